#include "platform/models/convolution.h"

#include <torch/torch.h>

#include <array>

namespace ekya::models {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Up to so many input channels a matrix product over unfolded pixels wins over oneDNN's blocks
// (measured on 32x32 to 4x4 pictures; from five channels on oneDNN is ahead).
constexpr std::int64_t kFewChannels = 4;
// And only where few come out too: the wide first layers of whole networks are oneDNN's.
constexpr std::int64_t kFewOutputs = 24;
// From here on oneDNN's own gradient of the input is as fast as a convolution with turned weights.
constexpr std::int64_t kManyChannels = 16;

Tensor Forward(const Tensor& input, const Tensor& weight, std::int64_t stride,
               std::int64_t padding) {
  if (weight.size(1) <= kFewChannels && weight.size(0) < kFewOutputs) {
    return at::_slow_conv2d_forward(input.contiguous(), weight, {weight.size(2), weight.size(3)},
                                    {}, {stride, stride}, {padding, padding});
  }
  return at::conv2d(input, weight, {}, stride, padding);
}

/// Gradients of the input and of the weight, each where asked for.
std::pair<Tensor, Tensor> LibraryBackward(const Tensor& gradient, const Tensor& input,
                                          const Tensor& weight, std::int64_t stride,
                                          std::int64_t padding, bool of_input, bool of_weight) {
  const auto results = at::convolution_backward(gradient, input, weight, c10::nullopt,
                                                {stride, stride}, {padding, padding}, {1, 1}, false,
                                                {0, 0}, 1, {of_input, of_weight, false});
  return {std::get<0>(results), std::get<1>(results)};
}

class FewChannelConvolution : public torch::autograd::Function<FewChannelConvolution> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        std::int64_t stride, std::int64_t padding, bool input_learns) {
    context->save_for_backward({input, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["input_learns"] = input_learns;
    return Forward(input, weight, stride, padding);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& input = saved[0];
    const auto& weight = saved[1];
    const auto gradient = gradients[0].contiguous();
    const auto stride = context->saved_data["stride"].toInt();
    const auto padding = context->saved_data["padding"].toInt();

    Tensor of_weight;
    if (weight.size(1) <= kFewChannels && weight.size(0) < kFewOutputs) {
      of_weight = std::get<1>(at::_slow_conv2d_backward(
          gradient, input.contiguous(), weight, {weight.size(2), weight.size(3)}, {stride, stride},
          {padding, padding}, std::array<bool, 3>{false, true, false}));
    } else {
      of_weight = LibraryBackward(gradient, input, weight, stride, padding, false, true).second;
    }
    Tensor of_input;
    if (context->saved_data["input_learns"].toBool()) {
      if (stride == 1) {
        // The gradient of the input is a convolution of the output's with the weights turned round.
        const auto turned = weight.transpose(0, 1).flip({2, 3}).contiguous();
        of_input = Forward(gradient, turned, 1, weight.size(2) - 1 - padding);
      } else {
        of_input = LibraryBackward(gradient, input, weight, stride, padding, true, false).first;
      }
    }
    return {of_input, of_weight, Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor Convolve(const torch::nn::Conv2d& layer, const Tensor& input) {
  const auto& weight = layer->weight;
  const auto stride = (*layer->options.stride())[0];
  const auto padding = (*get<torch::ExpandingArray<2>>(layer->options.padding()))[0];
  const bool plain = layer->options.groups() == 1 && !layer->bias.defined() &&
                     weight.size(2) % 2 == 1 && weight.size(2) == weight.size(3) &&
                     padding == weight.size(2) / 2;
  if (!plain || !input.is_cpu()) {
    return at::conv2d(input, weight, layer->bias, stride, padding, 1, layer->options.groups());
  }
  const bool learns = torch::GradMode::is_enabled() && weight.requires_grad();
  if (!learns) return Forward(input, weight, stride, padding);
  const bool many = weight.size(1) >= kManyChannels || weight.size(0) >= kFewOutputs;
  if (many) return at::conv2d(input, weight, {}, stride, padding);
  return FewChannelConvolution::apply(input, weight, stride, padding, input.requires_grad());
}

}  // namespace ekya::models
