#include "decide/profile/micro_profiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "decide/profile/learning_curve.h"

namespace ekya::profile {
namespace {

// The accuracies of one trial are judged on the same samples, so they scatter less around their
// curve than independent samples would: about half the binomial variance. The floor keeps a fit of
// many samples from trusting one curve beyond reason.
double NoiseOf(const TrialResult& result, double accuracy) {
  const double rate = std::clamp(accuracy, 0.02, 0.98);
  const double held_out = std::max(result.held_out, 1);
  return std::max(std::sqrt(rate * (1 - rate) / (2 * held_out)), 0.005);
}

// Of the judging itself: what another held-out sample of the same size would have said.
double SamplingSpread(const TrialResult& result, double accuracy) {
  if (result.held_out <= 0) return 0;
  const double rate = std::clamp(accuracy, 0.02, 0.98);
  return std::sqrt(rate * (1 - rate) / result.held_out);
}

}  // namespace

double EffectiveEpochs(double epochs) {
  if (epochs <= 1) return std::max(epochs, 0.0);
  constexpr double kRepetitions = 14;
  return 1 + kRepetitions * (1 - std::exp(-(epochs - 1) / kRepetitions));
}

MicroProfiler::MicroProfiler(MicroProfilerSettings settings,
                             std::vector<RetrainingConfiguration> candidates)
    : settings_(settings), candidates_(std::move(candidates)) {}

const std::vector<RetrainingConfiguration>& MicroProfiler::Candidates(
    const std::string& stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? candidates_ : found->second.candidates;
}

std::vector<Trial> MicroProfiler::Trials(const std::string& stream) const {
  return TrialsFor(Candidates(stream));
}

std::vector<Trial> MicroProfiler::Trials(const std::string& stream,
                                         const std::vector<std::string>& wanted) const {
  const std::vector<RetrainingConfiguration>& kept = Candidates(stream);
  // A policy that wants everything gets what pruning has left; one that wants a few gets these, as
  // it has nothing else to choose from.
  if (wanted.size() >= candidates_.size()) return TrialsFor(kept);
  std::vector<RetrainingConfiguration> chosen;
  for (const RetrainingConfiguration& configuration : candidates_) {
    if (std::find(wanted.begin(), wanted.end(), configuration.id) != wanted.end()) {
      chosen.push_back(configuration);
    }
  }
  return TrialsFor(chosen);
}

bool MicroProfiler::SpeaksFor(const Trial& trial,
                              const RetrainingConfiguration& configuration) const {
  if (trial.configuration.id == configuration.id) return true;
  return settings_.share_trials && profile::SpeaksFor(trial, configuration);
}

std::vector<Trial> MicroProfiler::TrialsFor(
    const std::vector<RetrainingConfiguration>& configurations) const {
  std::vector<Trial> trials;
  for (const RetrainingConfiguration& configuration : configurations) {
    const auto shared = std::find_if(trials.begin(), trials.end(), [&](const Trial& trial) {
      return SpeaksFor(trial, configuration);
    });
    if (shared == trials.end()) {
      trials.push_back({configuration,
                        std::min(settings_.sample_fraction, configuration.sample_fraction),
                        std::min(settings_.epochs, configuration.epochs)});
      continue;
    }
    // The trial of the group is made as large as any of its configurations would have it.
    shared->sample_fraction =
        std::max(shared->sample_fraction,
                 std::min(settings_.sample_fraction, configuration.sample_fraction));
    shared->epochs = std::max(shared->epochs, std::min(settings_.epochs, configuration.epochs));
    if (configuration.sample_fraction > shared->configuration.sample_fraction) {
      shared->configuration = configuration;
    }
  }
  return trials;
}

Result<RetrainingProfile> MicroProfiler::Estimate(const Trial& trial,
                                                  const TrialResult& result) const {
  return Estimate(trial.configuration, trial, result);
}

Result<RetrainingProfile> MicroProfiler::Estimate(const RetrainingConfiguration& configuration,
                                                  const Trial& trial,
                                                  const TrialResult& result) const {
  const auto invalid = [&](const std::string& found) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("trial of {}: {}", trial.configuration.id, found)};
  };
  if (result.accuracy.empty()) return invalid("no accuracy was measured");
  if (result.trial_samples <= 0 || result.full_samples <= 0) {
    return invalid(fmt::format("it had {} samples of {}, expected at least one",
                               result.trial_samples, result.full_samples));
  }
  if (!(result.device_seconds_per_epoch >= 0 && std::isfinite(result.device_seconds_per_epoch))) {
    return invalid(fmt::format("an epoch took {} device seconds, expected a number of at least 0",
                               result.device_seconds_per_epoch));
  }
  const double samples = result.full_samples * configuration.sample_fraction /
                         std::max(trial.configuration.sample_fraction, 1e-9);
  const double part = result.trial_samples / samples;  // Of an epoch of the whole.
  const double epochs = configuration.epochs;

  RetrainingProfile profile;
  profile.id = configuration.id;
  profile.device_seconds =
      (result.device_seconds_once + result.device_seconds_per_epoch * epochs) / part;

  const double last = result.accuracy.back();
  if (!(last >= 0 && last <= 1)) {
    return invalid(fmt::format("accuracy {}, expected a number from 0 to 1", last));
  }
  if (part * static_cast<double>(result.accuracy.size()) >= epochs * (1 - 1e-9)) {
    profile.accuracy = last;  // Nothing to extrapolate.
    profile.spread = SamplingSpread(result, last);
    return profile;
  }

  // Training is counted in epochs of the whole: a pass over a tenth of the samples is a tenth of
  // one, and each further pass over the same samples, in the trial as in the whole, is worth a bit
  // less.
  std::vector<CurvePoint> points;
  const double first = result.accuracy.front();
  if (result.start_accuracy >= 0 && result.start_accuracy <= first) {
    // The start is a point of the curve, unless training had to forget before it could learn.
    points.push_back({0, result.start_accuracy});
  }
  for (std::size_t epoch = 1; epoch <= result.accuracy.size(); ++epoch) {
    points.push_back(
        {part * EffectiveEpochs(static_cast<double>(epoch)), result.accuracy[epoch - 1]});
  }
  Result<LearningCurve> curve = LearningCurve::Fit(points, NoiseOf(result, last));
  if (!curve.ok()) return invalid(curve.error().message);
  const double work = EffectiveEpochs(epochs);
  profile.accuracy = curve->At(work);
  profile.spread = std::hypot(curve->Spread(work), SamplingSpread(result, profile.accuracy));
  return profile;
}

MicroProfiler::StreamHistory& MicroProfiler::History(const std::string& stream) {
  const auto [history, fresh] = streams_.try_emplace(stream);
  if (fresh) history->second.candidates = candidates_;
  return history->second;
}

void MicroProfiler::Measured(const std::string& stream, const RetrainingProfile& measured) {
  if (!(measured.device_seconds > 0 && std::isfinite(measured.device_seconds)) ||
      !(measured.accuracy >= 0 && measured.accuracy <= 1)) {
    return;
  }
  StreamHistory& history = History(stream);
  history.last_measured.insert_or_assign(measured.id, measured);
  const auto estimate = history.uncorrected.find(measured.id);
  if (estimate == history.uncorrected.end()) return;
  accuracy_.Learn(stream, measured.id, measured.accuracy - estimate->second.accuracy);
  if (estimate->second.device_seconds > 0) {
    const double factor = measured.device_seconds / estimate->second.device_seconds;
    log_seconds_.Learn(stream, measured.id, std::log(std::clamp(factor, 0.05, 20.0)));
  }
}

std::optional<RetrainingProfile> MicroProfiler::LastKnown(const std::string& stream,
                                                          const std::string& configuration) const {
  const auto history = streams_.find(stream);
  if (history == streams_.end()) return std::nullopt;
  for (const auto* known : {&history->second.last_measured, &history->second.last_estimated}) {
    if (const auto found = known->find(configuration); found != known->end()) {
      return found->second;
    }
  }
  return std::nullopt;
}

RetrainingProfile MicroProfiler::Corrected(const std::string& stream, RetrainingProfile estimate) {
  History(stream).uncorrected.insert_or_assign(estimate.id, estimate);
  if (!settings_.correct) return estimate;
  estimate.accuracy = std::clamp(estimate.accuracy + accuracy_.For(stream, estimate.id), 0.0, 1.0);
  estimate.device_seconds *= std::exp(log_seconds_.For(stream, estimate.id));
  return estimate;
}

double DistanceFromFront(const std::vector<RetrainingProfile>& profiles, std::size_t index) {
  const auto range = [&](auto value) {
    const auto [low, high] = std::minmax_element(
        profiles.begin(), profiles.end(),
        [&](const auto& left, const auto& right) { return value(left) < value(right); });
    return std::max(value(*high) - value(*low), 1e-12);
  };
  const double accuracies = range([](const RetrainingProfile& p) { return p.accuracy; });
  const double costs = range([](const RetrainingProfile& p) { return p.device_seconds; });
  const RetrainingProfile& self = profiles[index];
  double distance = 0;
  for (const RetrainingProfile& other : profiles) {
    distance = std::max(distance, std::min((other.accuracy - self.accuracy) / accuracies,
                                           (self.device_seconds - other.device_seconds) / costs));
  }
  return distance;
}

void MicroProfiler::EndWindow(const std::string& stream,
                              const std::vector<RetrainingProfile>& profiles) {
  StreamHistory& history = History(stream);
  ++history.windows;
  for (const RetrainingProfile& profile : profiles) {
    history.last_estimated.insert_or_assign(profile.id, profile);
  }
  if (settings_.prune_every <= 0 || history.windows % settings_.prune_every != 0) return;
  std::vector<std::pair<double, std::string>> farthest;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    const bool considered =
        std::any_of(history.candidates.begin(), history.candidates.end(),
                    [&](const RetrainingConfiguration& kept) { return kept.id == profiles[i].id; });
    const double distance = DistanceFromFront(profiles, i);
    if (considered && distance > 0) farthest.emplace_back(distance, profiles[i].id);
  }
  std::stable_sort(farthest.begin(), farthest.end(),
                   [](const auto& left, const auto& right) { return left.first > right.first; });
  const std::size_t kept = history.candidates.size();
  const auto keep_at_least = static_cast<std::size_t>(std::max(settings_.keep_at_least, 1));
  std::size_t drop = static_cast<std::size_t>(
      std::ceil(settings_.prune_fraction * static_cast<double>(kept) - 1e-9));
  drop = std::min(drop, kept > keep_at_least ? kept - keep_at_least : 0);
  std::set<std::string> dropped;
  for (const auto& [distance, id] : farthest) {
    if (dropped.size() < drop) dropped.insert(id);
  }
  std::erase_if(history.candidates, [&](const RetrainingConfiguration& configuration) {
    return dropped.contains(configuration.id);
  });
}

}  // namespace ekya::profile
