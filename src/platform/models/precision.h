#pragma once

#include <string_view>

#include "core/device.h"

namespace ekya::models {

/// What the convolutions of a network compute with. kBfloat16 has float32's range and 8 bits of its
/// precision: weights, statistics of batch norms, linear layers and losses stay float32.
enum class Precision { kFloat32, kBfloat16 };

/// "float32", "bfloat16".
const char* Name(Precision precision);

/// Whether this processor multiplies bfloat16 numbers itself (x86: AVX512_BF16, which every
/// processor with AMX has too). Without, it is slower than float32.
bool HasFastBfloat16();

/// The same of `device`: of a CUDA device, as LibTorch asks it (compute capability 8.0 and cuDNN).
bool HasFastBfloat16(const Device& device);

/// What `learning.precision` of a site means on `device`: "auto" is kBfloat16 where
/// HasFastBfloat16. Every other word than "bfloat16" is kFloat32.
Precision PrecisionOf(std::string_view setting, const Device& device = {});

}  // namespace ekya::models
