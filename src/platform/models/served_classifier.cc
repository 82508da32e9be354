#include "platform/models/served_classifier.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "platform/models/engine.h"

namespace ekya::models {
namespace {

// Regions that go through the network at once: activations stay in the cache.
constexpr std::size_t kBatch = 32;

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
        return Error{ErrorCode::kFailed, "ONNX Runtime: found another number of classes"};
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
    for (int channel = 0; channel < 3; ++channel) {
      const float* levels = NormalisedLevels(channel);
      const std::uint8_t* in = image.pixels.data() + channel;
      for (std::size_t i = 0; i < area; ++i) pictures_.push_back(levels[in[3 * i]]);
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

std::shared_ptr<Model> MakeServed(const Classifier& classifier) {
  auto engine = OpenOnnxRuntime(classifier.ToOnnx(), 1);
  if (engine.ok()) {
    return std::make_shared<ServedClassifier>(classifier.classes(), classifier.shape().input_size,
                                              std::move(*engine));
  }
  static std::once_flag said;
  std::call_once(
      said, [&] { Log(LogLevel::kInfo, "models", "LibTorch serves: {}", engine.error().message); });
  return classifier.Clone();
}

}  // namespace ekya::models
