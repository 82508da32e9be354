#include <fmt/format.h>
#include <torch/torch.h>

#include <utility>

#include "platform/models/engine.h"
#include "platform/models/folded_network.h"
#include "platform/models/network.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_device.h"

namespace ekya::models {
namespace {

class LibTorchEngine : public Engine {
 public:
  LibTorchEngine(std::shared_ptr<Network> network, Precision precision)
      : network_(std::move(network)), precision_(precision) {}

  std::string name() const override {
    return fmt::format("LibTorch {}, {}", TORCH_VERSION, Name(precision_));
  }

  Result<std::vector<std::vector<float>>> Run(const float* pictures, std::int64_t count,
                                              std::int64_t side) override {
    try {
      ComputeWithOneThread();
      const c10::InferenceMode inference;
      const auto images =
          torch::from_blob(const_cast<float*>(pictures), {count, 3, side, side}, torch::kFloat);
      std::vector<std::vector<float>> results;
      for (const auto& output : network_->Run(images)) {
        const auto flat = output.cpu().contiguous();
        const float* numbers = flat.data_ptr<float>();
        results.emplace_back(numbers, numbers + flat.numel());
      }
      return results;
    } catch (const std::exception& exception) {
      return Error{ErrorCode::kFailed, fmt::format("LibTorch: {}", exception.what())};
    }
  }

 private:
  const std::shared_ptr<Network> network_;
  const Precision precision_;
};

}  // namespace

Result<std::unique_ptr<Engine>> OpenLibTorch(const LayerGraph& graph,
                                             const std::map<std::string, StoredTensor>& weights,
                                             Precision precision, const Device& device) {
  try {
    ComputeWithOneThread();
    FoldedNetwork folded = FoldNorms(graph, weights);
    auto network = std::make_shared<Network>(std::move(folded.graph));
    TensorFile content;
    content.tensors = std::move(folded.weights);
    EKYA_RETURN_IF_ERROR(network->Restore(content, "LibTorch"));
    EKYA_RETURN_IF_ERROR(MoveTo(device, network.get()));
    network->ServeAlone(precision);
    return std::unique_ptr<Engine>(std::make_unique<LibTorchEngine>(std::move(network), precision));
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, fmt::format("LibTorch: {}", exception.what())};
  }
}

}  // namespace ekya::models
