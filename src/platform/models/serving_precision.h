#pragma once

#include <string_view>

namespace ekya::models {

/// What serving computes with: kFastest is kFloat32 unless kBfloat16 is measured to be faster.
enum class ServingPrecision { kFloat32, kBfloat16, kFastest };

/// What `model.serving_precision` of a site means: "auto" is kFastest. Every other word than
/// "bfloat16" is kFloat32.
inline ServingPrecision ServingPrecisionOf(std::string_view setting) {
  if (setting == "auto") return ServingPrecision::kFastest;
  return setting == "bfloat16" ? ServingPrecision::kBfloat16 : ServingPrecision::kFloat32;
}

}  // namespace ekya::models
