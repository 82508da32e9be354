#include "decide/profile/belief.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "decide/profile/micro_profiler.h"

namespace ekya::profile {
namespace {

// Prior of an accuracy nobody has measured anything like: anywhere.
constexpr double kMiddle = std::numbers::pi / 4;
constexpr double kAnywhere = 0.6;
// Keeps the matrix of equal measurements regular.
constexpr double kJitter = 1e-6;
// Scores do not agree better than to this deviation.
constexpr double kLeastDeviation = 0.01;
// So many right and wrong samples are added to a count. A quarter leaves the angle least biased;
// Anscombe's 3/8, which would even its variance, holds a model that is always right too low.
constexpr double kAdded = 0.25;

double Square(double value) { return value * value; }
/// As an angle, 0 to pi / 2: what n samples tell of it has the variance 1 / (4 n) everywhere.
double Angle(double rate) { return std::asin(std::sqrt(std::clamp(rate, 0.0, 1.0))); }
double Rate(double angle) { return Square(std::sin(std::clamp(angle, 0.0, std::numbers::pi / 2))); }

/// Of a process that is smooth once, `away` lengths apart.
double Matern(double away) {
  const double x = std::sqrt(3.0) * away;
  return (1 + x) * std::exp(-x);
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TrainingState StateAfter(const RetrainingConfiguration& configuration) {
  return {configuration.trained_stages,
          configuration.sample_fraction * EffectiveEpochs(configuration.epochs)};
}

Sight LabelledSight(double time, double accuracy, int samples) {
  Sight sight;
  sight.time = time;
  sight.labelled = samples;
  sight.accuracy = accuracy;
  return sight;
}

BelievedModel Belief::Trained(const BelievedModel& base, TrainingState state,
                              double learned_at) const {
  const double learned = (1 - std::exp2(-state.work / settings_.half_work)) *
                         (state.trained_stages <= 1 ? settings_.head : 1);
  return {base.stream, base.number, learned * learned_at + (1 - learned) * base.learned_at};
}

Belief::Measurement Belief::Of(const BelievedModel& model, double time) {
  Measurement measurement;
  measurement.stream = model.stream;
  measurement.model = model.number;
  measurement.time = time;
  measurement.age = time - model.learned_at;
  return measurement;
}

void Belief::Right(const BelievedModel& model, double time, double accuracy, int samples,
                   int group) {
  if (!(accuracy >= 0 && accuracy <= 1) || samples <= 0) return;
  Measurement measurement = Of(model, time);
  measurement.group = group;
  // One that was right every time is not perfect.
  const double count = samples;
  measurement.value = Angle((accuracy * count + kAdded) / (count + 2 * kAdded)) - kMiddle +
                      settings_.rate * measurement.age;
  measurement.noise = settings_.alike / (4 * count + 2);
  Add(measurement);
}

void Belief::Saw(const BelievedModel& model, const Sight& sight, int group) {
  Right(model, sight.time, sight.accuracy, sight.labelled, group);
  if (sight.seen < 2 || !(sight.mean_score > 0 && sight.mean_score <= 1)) return;
  Measurement measurement = Of(model, sight.time);
  measurement.of_scores = true;
  const double score = sight.mean_score;
  measurement.value = Angle(score) - kMiddle + settings_.rate * measurement.age;
  const double slope = 2 * std::sqrt(std::max(score * (1 - score), 1e-4));
  measurement.noise = settings_.alike *
                      Square(std::max(sight.score_deviation, kLeastDeviation) / slope) / sight.seen;
  Add(measurement);
}

double Belief::Shared(const Measurement& a, const Measurement& b) const {
  const BeliefSettings& s = settings_;
  double shared = Square(kAnywhere);
  if (a.stream != b.stream) return shared;
  const double apart = std::abs(a.time - b.time);
  const bool model = a.model == b.model;
  shared += Square(s.stream) + Square(s.level) * Matern(apart / s.level_memory) +
            a.age * b.age * Square(s.rate_spread) * std::exp(-apart / s.rate_memory);
  if (model) shared += Square(s.training);
  if (a.of_scores && b.of_scores) {
    shared += Square(s.sure_stream) + (model ? Square(s.sure_model) : 0);
  }
  if (a.group >= 0 && b.group >= 0) {
    shared += Square(s.flattery);
    if (a.group == b.group) shared += s.shared_sampling * std::sqrt(a.noise * b.noise);
  }
  return shared;
}

void Belief::Add(Measurement measurement) {
  measurements_.push_back(measurement);
  if (measurements_.size() <= settings_.most) {
    Grow();
    return;
  }
  const std::size_t dropped = std::max<std::size_t>(1, settings_.most / 4);
  std::vector<Measurement> all(measurements_.begin() + static_cast<std::ptrdiff_t>(dropped),
                               measurements_.end());
  measurements_.clear();
  factor_.clear();
  solved_.clear();
  for (const Measurement& kept : all) {
    measurements_.push_back(kept);
    Grow();
  }
}

void Belief::Grow() {
  const Measurement& own = measurements_.back();
  std::vector<double> row(measurements_.size() - 1);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = Shared(own, measurements_[i]);
  SolveLower(row);
  const double noise = own.noise * (own.group >= 0 ? 1 - settings_.shared_sampling : 1);
  const double left = Shared(own, own) + noise + kJitter - Dot(row, row);
  const double diagonal = std::sqrt(std::max(left, kJitter));
  solved_.push_back((own.value - Dot(row, solved_)) / diagonal);
  row.push_back(diagonal);
  factor_.push_back(std::move(row));
}

void Belief::SolveLower(std::vector<double>& b) const {
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double* const row = factor_[i].data();
    double sum = b[i];
    for (std::size_t k = 0; k < i; ++k) sum -= row[k] * b[k];
    b[i] = sum / row[i];
  }
}

std::vector<Belief::Accuracy> Belief::At(const std::vector<BelievedModel>& models,
                                         double time) const {
  std::vector<Accuracy> found;
  for (const BelievedModel& model : models) {
    const Measurement wanted = Of(model, time);
    std::vector<double> shared(measurements_.size());
    for (std::size_t i = 0; i < shared.size(); ++i) shared[i] = Shared(wanted, measurements_[i]);
    SolveLower(shared);
    const double variance = Shared(wanted, wanted) - Dot(shared, shared);
    const double angle = kMiddle + Dot(shared, solved_) - settings_.rate * wanted.age;
    const double spread = std::sqrt(std::max(variance, 0.0));
    // Half the way between what is a standard deviation more and less: near 1 it is no slope's.
    found.push_back({Rate(angle), 0.5 * (Rate(angle + spread) - Rate(angle - spread))});
  }
  return found;
}

}  // namespace ekya::profile
