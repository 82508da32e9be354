#pragma once

#include <torch/torch.h>

namespace ekya::models {

/// What `layer` makes of `input` (N x C x H x W floats), and its gradients, with kernels picked for
/// the very few channels of compressed models: up to twice as fast there on a CPU as LibTorch's own
/// choice, which pads channels to the width of a vector. Those are for odd square kernels padded by
/// their half, one group and no bias; others are left to LibTorch. No dilation; padding in numbers.
torch::Tensor Convolve(const torch::nn::Conv2d& layer, const torch::Tensor& input);

}  // namespace ekya::models
