#include "platform/models/served_detector.h"

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "platform/models/engine.h"
#include "platform/models/serving_engine.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

class ServedDetector : public Model {
 public:
  ServedDetector(std::unique_ptr<TorchDetector> detector, std::unique_ptr<Engine> engine)
      : detector_(std::move(detector)), engine_(std::move(engine)) {}

  const std::vector<std::string>& classes() const override { return detector_->classes(); }

  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    return detector_->AnalyzeWith(
        frame, input_size, [this](const torch::Tensor& picture) { return Compute(picture); });
  }

 private:
  Result<std::vector<torch::Tensor>> Compute(const torch::Tensor& picture) {
    EKYA_ASSIGN(auto numbers, engine_->Run(picture.data_ptr<float>(), 1, picture.size(3)));
    const LayerGraph& graph = detector_->network().graph();
    std::vector<torch::Tensor> outputs;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto output = static_cast<std::size_t>(graph.outputs()[i]);
      const std::int64_t channels = graph.layers()[output].channels;
      const auto count = static_cast<std::int64_t>(numbers[i].size());
      // The input is square, and so is every grid of places.
      const auto side = std::llround(std::sqrt(static_cast<double>(count / channels)));
      if (channels * side * side != count) {
        return Error{ErrorCode::kFailed, "found another number of places"};
      }
      auto shaped = torch::empty({1, channels, side, side});
      std::copy(numbers[i].begin(), numbers[i].end(), shaped.data_ptr<float>());
      outputs.push_back(std::move(shaped));
    }
    return outputs;
  }

  const std::unique_ptr<TorchDetector> detector_;  // its pictures, boxes and threshold
  const std::unique_ptr<Engine> engine_;
};

}  // namespace

std::shared_ptr<Model> MakeServed(const LearningDetector& detector, ServingPrecision precision) {
  std::unique_ptr<LearningDetector> copy = detector.Clone();
  auto* const torch_detector = dynamic_cast<TorchDetector*>(copy.get());
  EKYA_CHECK(torch_detector != nullptr, "only a TorchDetector learns");
  Network& network = torch_detector->network();
  auto engine = OpenServingEngine(network.graph(), network.Store(), detector.shape().input_size,
                                  precision, detector.device());
  if (!engine.ok()) {
    Log(LogLevel::kWarning, "models", "LibTorch serves a detector as it is: {}",
        engine.error().message);
    return copy;
  }
  copy.release();
  return std::make_shared<ServedDetector>(std::unique_ptr<TorchDetector>(torch_detector),
                                          std::move(*engine));
}

}  // namespace ekya::models
