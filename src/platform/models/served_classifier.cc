#include "platform/models/served_classifier.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "platform/models/engine.h"
#include "platform/models/internal/serving_seconds.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

// Regions that go through the network at once: activations stay in the cache.
constexpr std::size_t kBatch = 32;
constexpr int kRunsToCompare = 4;

class ServedClassifier : public Model {
 public:
  ServedClassifier(std::vector<std::string> classes, int input_size, std::unique_ptr<Engine> engine)
      : classes_(std::move(classes)), input_size_(input_size), engine_(std::move(engine)) {}

  const std::vector<std::string>& classes() const override { return classes_; }

  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    const int side = input_size == 0 ? input_size_ : input_size;
    EKYA_RETURN_IF_ERROR(CheckInputSize(side));
    std::vector<Detection> results;
    for (std::size_t begin = 0; begin < frame.regions.size(); begin += kBatch) {
      const std::size_t end = std::min(begin + kBatch, frame.regions.size());
      pictures_.clear();
      for (std::size_t i = begin; i < end; ++i) {
        Append(CropAndResize(frame.image, frame.regions[i].box, side));
      }
      const auto count = static_cast<std::int64_t>(end - begin);
      EKYA_ASSIGN(const auto outputs, engine_->Run(pictures_.data(), count, side));
      if (outputs[0].size() != (end - begin) * classes_.size()) {
        return Error{ErrorCode::kFailed, "found another number of classes"};
      }
      const float* logits = outputs[0].data();
      for (std::size_t i = begin; i < end; ++i, logits += classes_.size()) {
        results.push_back(Likeliest(logits));
        results.back().box = frame.regions[i].box;
      }
    }
    return results;
  }

 private:
  void Append(const Image& image) {
    const std::size_t area = image.pixels.size() / 3;
    const std::size_t start = pictures_.size();
    pictures_.resize(start + image.pixels.size());
    float* out = pictures_.data() + start;
    for (int channel = 0; channel < 3; ++channel) {
      const float* levels = NormalisedLevels(channel);
      const std::uint8_t* in = image.pixels.data() + channel;
      for (std::size_t i = 0; i < area; ++i) *out++ = levels[in[3 * i]];
    }
  }

  /// The softmax of the largest of the logits.
  Detection Likeliest(const float* logits) const {
    const auto best = std::max_element(logits, logits + classes_.size()) - logits;
    double sum = 0;
    for (std::size_t i = 0; i < classes_.size(); ++i) sum += std::exp(logits[i] - logits[best]);
    Detection result;
    result.class_index = static_cast<int>(best);
    result.score = 1 / sum;
    return result;
  }

  const std::vector<std::string> classes_;
  const int input_size_;
  const std::unique_ptr<Engine> engine_;
  std::vector<float> pictures_;  // of one batch, kept to spare its memory's coming and going
};

}  // namespace

namespace internal {

double SecondsOf(Model& model, int side) {
  Frame frame;
  frame.image = {side, side, {}};
  frame.image.pixels.resize(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  frame.regions = {{{0, 0, static_cast<double>(side), static_cast<double>(side)}, {}, -1}};
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRunsToCompare; ++i) {
    const double start = ThreadCpuSeconds();
    if (!model.Analyze(frame, 0).ok()) return std::numeric_limits<double>::infinity();
    least = std::min(least, ThreadCpuSeconds() - start);
  }
  return least;
}

}  // namespace internal

std::shared_ptr<Model> MakeServed(const Classifier& classifier, ServingPrecision precision) {
  const ClassifierShape& shape = classifier.shape();
  const auto served = [&](std::unique_ptr<Engine> engine) -> std::shared_ptr<Model> {
    return std::make_shared<ServedClassifier>(shape.classes, shape.input_size, std::move(engine));
  };
  std::shared_ptr<Model> best;
  const auto consider = [&](std::shared_ptr<Model> other) {
    if (best == nullptr || internal::SecondsOf(*other, shape.input_size) <
                               internal::SecondsOf(*best, shape.input_size)) {
      best = std::move(other);
    }
  };
  const auto packed = [&](Precision with) {
    auto engine = dynamic_cast<const TorchClassifier&>(classifier).ToPacked(with);
    if (engine.ok()) {
      consider(served(std::move(*engine)));
    } else {
      Log(LogLevel::kWarning, "models", "{}", engine.error().message);
    }
  };
  if (precision == ServingPrecision::kBfloat16) packed(Precision::kBfloat16);
  if (best != nullptr) return best;
  const Device device = classifier.device();
  auto engine = [&]() -> Result<std::unique_ptr<Engine>> {
    if (!device.is_cuda()) return OpenOnnxRuntime(classifier.ToOnnx(), 1);
    return Error{ErrorCode::kUnavailable,
                 "ONNX Runtime: found a model on " + Name(device) + ", expected one on processors"};
  }();
  if (engine.ok()) {
    best = served(std::move(*engine));
  } else {
    static std::once_flag said;
    std::call_once(said, [&] {
      Log(LogLevel::kInfo, "models", "LibTorch serves: {}", engine.error().message);
    });
    best = classifier.Clone();
    packed(Precision::kFloat32);
  }
  const bool narrow = precision == ServingPrecision::kFastest && HasFastBfloat16(device);
  if (narrow) packed(Precision::kBfloat16);
  return best;
}

}  // namespace ekya::models
