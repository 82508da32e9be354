#include "decide/profile/course.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace ekya::profile {
namespace {

// Before anything was learned: as many trainings, that gained nothing more, give or take so much.
constexpr double kUsualWeight = 2;
constexpr double kUsualGain = 0.1;
// Older trainings fade once there are about so many.
constexpr double kTrainingsRemembered = 30;

std::size_t QuarterOf(double part) {
  return static_cast<std::size_t>(std::clamp(part, 0.0, 0.999) * 4);
}

}  // namespace

void Course::Learn(double part, double gain) {
  if (!std::isfinite(part) || !std::isfinite(gain)) return;
  Gains& gains = quarters_.at(QuarterOf(part));
  gains.sum += gain;
  gains.squares += gain * gain;
  gains.weight += 1;
  if (gains.weight <= kTrainingsRemembered) return;
  const double kept = kTrainingsRemembered / gains.weight;
  gains.sum *= kept;
  gains.squares *= kept;
  gains.weight = kTrainingsRemembered;
}

Course::Rest Course::After(double part) const {
  if (part >= 1) return {};
  const Gains& gains = quarters_.at(QuarterOf(part));
  const double weight = gains.weight + kUsualWeight;
  const double mean = gains.sum / weight;
  const double square = (gains.squares + kUsualWeight * kUsualGain * kUsualGain) / weight;
  return {mean, std::sqrt(std::max(square - mean * mean, 1e-6))};
}

}  // namespace ekya::profile
