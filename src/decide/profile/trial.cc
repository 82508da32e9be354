#include "decide/profile/trial.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ekya::profile {
namespace {

constexpr double kWorthwhileGain = 0.005;
constexpr double kNothingLeft = 0.999;

}  // namespace

bool SpeaksFor(const Trial& trial, const RetrainingConfiguration& configuration) {
  const RetrainingConfiguration& tried = trial.configuration;
  return tried.trained_stages == configuration.trained_stages &&
         tried.last_hidden == configuration.last_hidden &&
         tried.batch_size == configuration.batch_size &&
         tried.learning_rate == configuration.learning_rate &&
         tried.augmentation == configuration.augmentation &&
         tried.balanced == configuration.balanced &&
         tried.distillation == configuration.distillation;
}

double EpochsLeft(const RetrainingConfiguration& configuration, const Trial& trial,
                  int epochs_done) {
  const double part =
      std::min(1.0, trial.sample_fraction / std::max(configuration.sample_fraction, 1e-9));
  return std::max(0.0, configuration.epochs - epochs_done * part);
}

bool KeepTraining(const std::vector<double>& accuracy) {
  if (accuracy.empty()) return true;
  if (!std::isfinite(accuracy.back()) || accuracy.back() >= kNothingLeft) return false;
  if (accuracy.size() < 3) return true;
  const double before = *std::max_element(accuracy.begin(), accuracy.end() - 2);
  return std::max(accuracy.back(), accuracy[accuracy.size() - 2]) >= before + kWorthwhileGain;
}

TrialResult Likely(TrialResult result) {
  if (result.held_out <= 0) return result;
  const double held_out = result.held_out;
  const auto likely = [&](double accuracy) { return (accuracy * held_out + 0.5) / (held_out + 1); };
  for (double& accuracy : result.accuracy) accuracy = likely(accuracy);
  result.start_accuracy = likely(result.start_accuracy);
  return result;
}

double ExpectedBehindGate(const RetrainingProfile& estimate, double served) {
  const double gain = estimate.accuracy - served;
  if (!(estimate.spread > 0)) return served + std::max(gain, 0.0);
  const double z = gain / estimate.spread;
  const double below = 0.5 * std::erfc(-z / std::sqrt(2.0));
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
  return std::min(1.0, served + gain * below + estimate.spread * density);
}

}  // namespace ekya::profile
