#include "stages/swap/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace ekya::swap {
namespace {

constexpr double kLeastScore = 1e-6;
// Of the logarithm of a temperature before any sample was seen.
constexpr double kTemperatureSpread = 0.7;
constexpr double kLargestLog = 3;

}  // namespace

Calibration::Calibration(int classes, double temperature)
    : classes_(std::max(classes, 2)), temperature_(temperature) {
  EKYA_CHECK(temperature > 0 && std::isfinite(temperature), "a temperature");
}

double Calibration::Apply(double score) const {
  const double p = std::clamp(score, kLeastScore, 1 - kLeastScore);
  if (temperature_ == 1) return p;
  const double others = classes_ - 1;
  // Difference of the chosen class's logit from each of the others'.
  const double logit = std::log(p) - std::log((1 - p) / others);
  return 1 / (1 + others * std::exp(-logit / temperature_));
}

Calibration Calibration::Fit(int classes, const std::vector<ScoredSample>& held_out) {
  if (held_out.empty()) return Calibration(classes);
  const auto cost = [&](double log_temperature) {
    const Calibration tried(classes, std::exp(log_temperature));
    double sum = log_temperature * log_temperature / (2 * kTemperatureSpread * kTemperatureSpread);
    for (const ScoredSample& sample : held_out) {
      const double score = tried.Apply(sample.score);
      sum -= std::log(std::clamp(sample.right ? score : 1 - score, 1e-12, 1.0));
    }
    return sum;
  };
  // The lowest of a grid, then by golden section around it: the cost need not have one valley.
  double best = 0;
  double least = cost(0);
  constexpr double kStep = 0.25;
  for (double log = -kLargestLog; log <= kLargestLog; log += kStep) {
    if (const double here = cost(log); here < least) {
      least = here;
      best = log;
    }
  }
  double low = best - kStep;
  double high = best + kStep;
  constexpr double kGolden = 0.6180339887498949;
  for (int step = 0; step < 30; ++step) {
    const double a = high - kGolden * (high - low);
    const double b = low + kGolden * (high - low);
    if (cost(a) < cost(b)) {
      high = b;
    } else {
      low = a;
    }
  }
  return Calibration(classes, std::exp((low + high) / 2));
}

double CalibrationError(const std::vector<ScoredSample>& samples, int bins) {
  struct Bin {
    double scores = 0;
    double right = 0;
  };
  std::vector<Bin> sums(static_cast<std::size_t>(std::max(bins, 1)));
  for (const ScoredSample& sample : samples) {
    const double place = std::clamp(sample.score, 0.0, 1.0) * static_cast<double>(sums.size());
    Bin& bin = sums[std::min(static_cast<std::size_t>(place), sums.size() - 1)];
    bin.scores += sample.score;
    bin.right += sample.right ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : sums) error += std::abs(bin.scores - bin.right);
  return samples.empty() ? 0 : error / static_cast<double>(samples.size());
}

}  // namespace ekya::swap
