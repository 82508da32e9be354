#include "decide/profile/expectation.h"

#include <algorithm>
#include <cmath>

namespace ekya::profile {
namespace {

// A trial counts as this part of a whole retraining.
constexpr double kTrialWeight = 0.25;
// As many measurements of the more general kind are taken to be there beside the particular ones.
constexpr double kDoubt = 1;
constexpr double kLevelDoubt = 0.5;
// Older measurements fade once there are about so many.
constexpr double kMemory = 10;
constexpr double kLeastSeconds = 1e-3;

double Log(double seconds) { return std::log(std::max(seconds, kLeastSeconds)); }

}  // namespace

void Expectation::Mean::Add(double value, double of) {
  if (!std::isfinite(value)) return;
  sum += value * of;
  weight += of;
  if (weight <= kMemory) return;
  sum *= kMemory / weight;
  weight = kMemory;
}

void Expectation::Errors::Add(double error) {
  if (!std::isfinite(error)) return;
  squares += error * error;
  weight += 1;
  if (weight <= 4 * kMemory) return;
  squares *= 4 * kMemory / weight;
  weight = 4 * kMemory;
}

double Expectation::Errors::Deviation() const { return std::sqrt(squares / weight); }

double Expectation::Offset(const std::string& configuration) const {
  const auto found = gains_.find(configuration);
  const double common = gain_.Or(0, kDoubt);
  return found == gains_.end() ? 0 : found->second.Or(common, kDoubt) - common;
}

void Expectation::Learn(const std::string& stream, double before, const RetrainingProfile& outcome,
                        double weight) {
  Stream& own = streams_[stream];
  gain_.Add(outcome.accuracy - before, weight);
  gains_[outcome.id].Add(outcome.accuracy - before, weight);
  own.level.Add(outcome.accuracy - Offset(outcome.id), weight);
  own.after[outcome.id].Add(outcome.accuracy, weight);
  const double log_seconds = Log(outcome.device_seconds);
  Mean& common = seconds_[outcome.id];
  if (common.weight > 0) own.slowness.Add(log_seconds - common.sum / common.weight, weight);
  common.Add(log_seconds, weight);
  own.seconds[outcome.id].Add(log_seconds, weight);
}

void Expectation::Retrained(const std::string& stream, double before,
                            const RetrainingProfile& outcome) {
  if (const auto expected = For(stream, outcome.id, before)) {
    expectation_error_.Add(outcome.accuracy - expected->accuracy);
  }
  Stream& own = streams_[stream];
  if (const auto found = own.promised.find(outcome.id); found != own.promised.end()) {
    trial_error_.Add(outcome.accuracy - found->second);
  }
  own.promised.clear();
  Learn(stream, before, outcome, 1);
}

void Expectation::Tried(const std::string& stream, double before,
                        const RetrainingProfile& estimate) {
  streams_[stream].promised.insert_or_assign(estimate.id, estimate.accuracy);
  Learn(stream, before, estimate, kTrialWeight);
}

void Expectation::TrialTook(const std::string& stream, double device_seconds) {
  trial_seconds_.Add(device_seconds, 1);
  streams_[stream].trial_seconds.Add(device_seconds, 1);
}

std::optional<double> Expectation::TrialSeconds(const std::string& stream) const {
  if (!(trial_seconds_.weight > 0)) return std::nullopt;
  const double common = trial_seconds_.sum / trial_seconds_.weight;
  const auto found = streams_.find(stream);
  return found == streams_.end() ? common : found->second.trial_seconds.Or(common, kDoubt);
}

std::optional<RetrainingProfile> Expectation::For(const std::string& stream,
                                                  const std::string& configuration,
                                                  double accuracy) const {
  const auto common = seconds_.find(configuration);
  if (common == seconds_.end() || !(common->second.weight > 0)) return std::nullopt;
  const double offset = Offset(configuration);
  double after = accuracy + gain_.Or(0, kDoubt) + offset;
  double log_seconds = common->second.sum / common->second.weight;
  if (const auto found = streams_.find(stream); found != streams_.end()) {
    const Stream& own = found->second;
    after = own.level.Or(after - offset, kLevelDoubt) + offset;
    log_seconds += own.slowness.Or(0, kDoubt);
    if (const auto known = own.after.find(configuration); known != own.after.end()) {
      after = known->second.Or(after, kLevelDoubt);
    }
    if (const auto known = own.seconds.find(configuration); known != own.seconds.end()) {
      log_seconds = known->second.Or(log_seconds, kTrialWeight);
    }
  }
  return RetrainingProfile{configuration, std::clamp(after, 0.0, 1.0), std::exp(log_seconds),
                           ExpectationError()};
}

RetrainingProfile Expectation::Combined(const std::string& stream, double accuracy,
                                        const RetrainingProfile& estimate) const {
  const auto expected = For(stream, estimate.id, accuracy);
  if (!expected) return estimate;
  const double own = 1 / (expectation_error_.Deviation() * expectation_error_.Deviation());
  const double tried = 1 / (trial_error_.Deviation() * trial_error_.Deviation());
  RetrainingProfile combined = estimate;
  combined.accuracy = (own * expected->accuracy + tried * estimate.accuracy) / (own + tried);
  combined.device_seconds =
      std::exp((Log(expected->device_seconds) + Log(estimate.device_seconds)) / 2);
  combined.spread = std::sqrt(1 / (own + tried));
  return combined;
}

}  // namespace ekya::profile
