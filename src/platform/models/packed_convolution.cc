#include "platform/models/packed_convolution.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/torch.h>

#include <utility>

#include "base/check.h"
#include "platform/models/torch_precision.h"

namespace ekya::models {
namespace {

/// An operator that LibTorch registers under a name but declares in no header.
class Operator {
 public:
  explicit Operator(const char* name)
      : handle_(c10::Dispatcher::singleton().findSchema({name, ""})) {}

  bool found() const { return handle_.has_value(); }
  c10::IValue Call(std::vector<c10::IValue> arguments) const {
    EKYA_CHECK(found());
    handle_->callBoxed(&arguments);
    return std::move(arguments.front());
  }

 private:
  c10::optional<c10::OperatorHandle> handle_;
};

const Operator& Prepack() {
  static const Operator found("mkldnn_prepacked::conv2d_prepack");
  return found;
}

const Operator& RunPacked() {
  static const Operator found("mkldnn_prepacked::conv2d_run");
  return found;
}

}  // namespace

bool PackedConvolution::Available() {
  return at::hasMKLDNN() && Prepack().found() && RunPacked().found();
}

PackedConvolution::PackedConvolution(const Layer& layer, const torch::Tensor& weight,
                                     const torch::Tensor& bias,
                                     std::vector<std::int64_t> input_shape, bool relu,
                                     Precision precision) {
  const torch::NoGradGuard no_grad;
  const auto type = ScalarTypeOf(precision);
  c10::optional<torch::Tensor> own_bias;
  if (bias.defined()) own_bias = bias.detach().to(type);
  using Numbers = std::vector<std::int64_t>;
  packed_ = Prepack().Call(
      {weight.detach().to(type).contiguous(torch::MemoryFormat::ChannelsLast), own_bias,
       Numbers{layer.stride, layer.stride}, Numbers{layer.padding, layer.padding}, Numbers{1, 1},
       static_cast<std::int64_t>(layer.groups), std::move(input_shape), relu ? "relu" : "none"});
}

torch::Tensor PackedConvolution::Run(const torch::Tensor& input) const {
  return RunPacked().Call({input, packed_}).toTensor();
}

}  // namespace ekya::models
