#include "platform/models/precision.h"

namespace ekya::models {

const char* Name(Precision precision) {
  return precision == Precision::kBfloat16 ? "bfloat16" : "float32";
}

bool HasFastBfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

Precision PrecisionOf(std::string_view setting, const Device& device) {
  const bool narrow = setting == "bfloat16" || (setting == "auto" && HasFastBfloat16(device));
  return narrow ? Precision::kBfloat16 : Precision::kFloat32;
}

}  // namespace ekya::models
