#include "core/interval.h"

#include <algorithm>
#include <cmath>

namespace ekya {
namespace {

constexpr double kDeviations = 1.959964;  // 95 % of a normal distribution on both sides

/// F1 is the part of (objects + detections) / 2 that is right.
double TrialsOf(const FrameScore& score, bool detection) {
  return detection ? (score.objects + score.detections) / 2.0 : score.objects;
}

}  // namespace

AccuracyInterval WilsonInterval(double accuracy, double trials) {
  if (!(trials > 0)) return {};
  const double square = kDeviations * kDeviations;
  const double scale = 1 / (1 + square / trials);
  const double center = accuracy + square / (2 * trials);
  const double reach =
      kDeviations * std::sqrt(accuracy * (1 - accuracy) / trials + square / (4 * trials * trials));
  return {std::max(0.0, scale * (center - reach)), std::min(1.0, scale * (center + reach))};
}

AccuracyInterval IntervalOf(const std::vector<FrameScore>& stretches, bool detection) {
  double right = 0;
  double trials = 0;
  double counted = 0;
  for (const FrameScore& stretch : stretches) {
    const double own = TrialsOf(stretch, detection);
    if (own <= 0) continue;
    right += stretch.right;
    trials += own;
    ++counted;
  }
  if (trials <= 0) return {};
  const double accuracy = right / trials;
  double squares = 0;
  for (const FrameScore& stretch : stretches) {
    const double off = stretch.right - accuracy * TrialsOf(stretch, detection);
    squares += off * off;
  }
  // One stretch tells nothing of how stretches scatter: it counts as one observation.
  double independent = std::min(trials, counted);
  if (counted > 1 && squares > 0) {
    const double variance = counted / (counted - 1) * squares / (trials * trials);
    independent = std::clamp(accuracy * (1 - accuracy) / variance, 1.0, std::max(1.0, trials));
  }
  return WilsonInterval(accuracy, independent);
}

}  // namespace ekya
