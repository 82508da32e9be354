#include "core/outcomes.h"

#include <algorithm>
#include <cmath>

namespace ekya {

float LossOf(double score, bool right) {
  constexpr double kMostLoss = 10;
  const double sure = std::clamp(right ? score : 1 - score, std::exp(-kMostLoss), 1.0);
  return static_cast<float>(-std::log(sure));
}

}  // namespace ekya
