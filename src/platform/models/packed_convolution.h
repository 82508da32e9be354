#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "platform/models/layer_graph.h"
#include "platform/models/precision.h"

namespace ekya::models {

/// A convolution whose weights lie as oneDNN wants them for one size of pictures, instead of being
/// put in that order for every picture. For serving: no gradient. Threads may share it.
class PackedConvolution {
 public:
  /// Whether this LibTorch has oneDNN to pack for, on this processor.
  static bool Available();

  /// The convolution `layer` with `weight` and, where it has one, `bias`, for inputs of
  /// `input_shape` (others work too, more slowly); `relu`: with one behind it.
  PackedConvolution(const Layer& layer, const torch::Tensor& weight, const torch::Tensor& bias,
                    std::vector<std::int64_t> input_shape, bool relu, Precision precision);

  /// `input`: of the precision, its channels last; so is the result.
  torch::Tensor Run(const torch::Tensor& input) const;

 private:
  c10::IValue packed_;
};

}  // namespace ekya::models
