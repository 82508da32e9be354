#include "decide/profile/trial.h"

#include <algorithm>
#include <cmath>

namespace ekya::profile {
namespace {

constexpr double kWorthwhileGain = 0.005;
constexpr double kNothingLeft = 0.999;

}  // namespace

bool KeepTraining(const std::vector<double>& accuracy) {
  if (accuracy.empty()) return true;
  if (!std::isfinite(accuracy.back()) || accuracy.back() >= kNothingLeft) return false;
  if (accuracy.size() < 3) return true;
  const double before = *std::max_element(accuracy.begin(), accuracy.end() - 2);
  return std::max(accuracy.back(), accuracy[accuracy.size() - 2]) >= before + kWorthwhileGain;
}

}  // namespace ekya::profile
