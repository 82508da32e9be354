#pragma once

#include <torch/torch.h>

#include "platform/models/precision.h"

namespace ekya::models {

/// LibTorch's type of the numbers that go through convolutions.
inline torch::ScalarType ScalarTypeOf(Precision precision) {
  return precision == Precision::kBfloat16 ? torch::kBFloat16 : torch::kFloat;
}

}  // namespace ekya::models
