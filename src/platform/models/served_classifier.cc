#include "platform/models/served_classifier.h"

#include <algorithm>
#include <cmath>
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
      const std::size_t numbers =
          3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
      pictures_.resize(std::max(pictures_.size(), (end - begin) * numbers));
      for (std::size_t i = begin; i < end; ++i) {
        CropToPlanes(frame.image, frame.regions[i].box, side,
                     pictures_.data() + (i - begin) * numbers);
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
  std::vector<float> pictures_;  // of a batch, kept to spare its memory's coming and going
};

}  // namespace

std::shared_ptr<Model> MakeServed(const Classifier& classifier, ServingPrecision precision) {
  auto engine = classifier.ToServingEngine(precision);
  if (!engine.ok()) {
    Log(LogLevel::kWarning, "models", "LibTorch serves a classifier as it is: {}",
        engine.error().message);
    return classifier.Clone();
  }
  const ClassifierShape& shape = classifier.shape();
  return std::make_shared<ServedClassifier>(shape.classes, shape.input_size, std::move(*engine));
}

}  // namespace ekya::models
