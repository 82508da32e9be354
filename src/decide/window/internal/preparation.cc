#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "decide/window/internal/window_run.h"
#include "decide/window/internal/worthwhile.h"

namespace ekya::window {
namespace {

// The part of a window after which no stream's labels are begun: what they are for takes the rest.
constexpr double kLatestLabels = 0.5;

}  // namespace

// Labels and trials, while the streams are served with the rest. After it every stream that may
// be retrained has the profiles that the policy reads.
void WindowRun::Prepare() {
  std::vector<std::string> candidates;
  for (const RetrainingConfiguration& configuration : settings_.retraining) {
    candidates.push_back(configuration.id);
  }
  const schedule::ProfileNeeds needs = policy_.Needs(candidates);
  if (needs.configurations.empty()) return;
  weighs_ = settings_.weigh_trials && needs.accuracy && !memory_.shared;

  const Situation situation = SituationNow();
  const auto reserved =
      static_cast<Quanta>(std::ceil(settings_.preparation_share * situation.TotalQuanta() - 1e-9));
  const ServingPlan plan = PlanServing(situation, reserved);
  Apply(plan.allocations);
  ApplyProfiling(plan.free);
  record_.preparation_devices = static_cast<double>(plan.TotalFree()) / settings_.quanta_per_device;
  LabelAll();
  if (!record_.stopped) {
    LookForDrift();
    RunTrials(needs, plan);
    if (weighs_) ExpectTheRest(needs);
  }
  ApplyProfiling(std::vector<Quanta>(static_cast<std::size_t>(settings_.devices), 0));
  for (StreamWindow& stream : streams_) {
    SortProfiles(stream);
    if (!stream.profiles.empty()) record_.profiles[stream.id] = stream.profiles;
  }
  if (!record_.stopped && Left() <= 0) {
    Warn("", fmt::format("labelling ({:.1f} s) and profiling ({:.1f} s) took the whole window of "
                         "{:.1f} s: nothing was retrained",
                         record_.labelling_seconds, record_.profiling_seconds,
                         settings_.window_seconds));
  }
}

void WindowRun::LabelAll() {
  const double start = ports_.timeline.Now();
  std::vector<std::string> present;
  for (const StreamWindow& stream : streams_) {
    if (!stream.state.gone) present.push_back(stream.id);
  }
  // Who was not reached in the window before comes first.
  std::stable_partition(present.begin(), present.end(),
                        [&](const std::string& id) { return memory_.unlabelled.contains(id); });
  memory_.unlabelled.clear();
  const double latest = start + kLatestLabels * (end_ - start);
  const auto all = ports_.labels.Label(present, window_, latest);
  for (std::size_t i = 0; i < present.size(); ++i) {
    const Result<LabelSummary>& labels = all[i];
    StreamWindow& stream = *Find(present[i]);
    if (!labels.ok()) {
      if (labels.error().code == ErrorCode::kCancelled) {
        memory_.unlabelled.insert(stream.id);
        continue;
      }
      Warn(stream.id, "not retrained in this window: no labels: " + labels.error().message);
      continue;
    }
    record_.labels[stream.id] = *labels;
    TellAchieved(stream, *labels);
    if (!labels->doubt.empty()) {
      Warn(stream.id, labels->doubt);
      continue;
    }
    if (!stream.state.learns) continue;  // Its labels are for judging it.
    const auto seen =
        std::count_if(labels->samples_per_class.begin(), labels->samples_per_class.end(),
                      [](int samples) { return samples > 0; });
    if (labels->samples <= 0) {
      Warn(stream.id, "not retrained in this window: it has no labelled sample");
    } else if (!labels->samples_per_class.empty() && seen < 2) {
      Warn(stream.id, fmt::format("not retrained in this window: its {} labelled samples are of "
                                  "a single class",
                                  labels->samples));
    } else {
      stream.may_retrain = true;
    }
  }
  record_.labelling_seconds = ports_.timeline.Now() - start;
  TakeEvents();
  if (!memory_.unlabelled.empty() && !record_.stopped) {
    Warn("", fmt::format("{} of {} streams were not labelled in the first half of the window: they "
                         "are not retrained in it and come first in the next",
                         memory_.unlabelled.size(), present.size()));
  }
}

// The candidates of a stream that are `needs`.
std::vector<std::string> WindowRun::CandidatesOf(const StreamWindow& stream,
                                                 const schedule::ProfileNeeds& needs) const {
  if (needs.configurations.size() < settings_.retraining.size()) return needs.configurations;
  std::vector<std::string> ids;
  for (const RetrainingConfiguration& candidate : memory_.profiler.Candidates(stream.id)) {
    ids.push_back(candidate.id);
  }
  return ids;
}

// Gives the stream the profiles that earlier windows lead to expect, for what has none.
void WindowRun::Expect(StreamWindow& stream, const schedule::ProfileNeeds& needs) const {
  for (const std::string& id : CandidatesOf(stream, needs)) {
    const bool known = std::any_of(stream.profiles.begin(), stream.profiles.end(),
                                   [&](const RetrainingProfile& each) { return each.id == id; });
    const auto expected = memory_.expectation.For(stream.id, id, stream.state.accuracy);
    if (!known && expected) stream.profiles.push_back(*expected);
  }
}

void WindowRun::ExpectTheRest(const schedule::ProfileNeeds& needs) {
  for (StreamWindow& stream : streams_) {
    if (stream.may_retrain && !stream.state.gone) Expect(stream, needs);
  }
}

// What the policy would be asked if no trial were run.
Situation WindowRun::SituationWithoutTrials(const schedule::ProfileNeeds& needs) const {
  Situation situation = SituationNow();
  for (StreamSituation& now : situation.streams) {
    StreamWindow stream;
    for (const StreamWindow& each : streams_) {
      if (each.id == now.id) stream = each;
    }
    if (!stream.may_retrain) continue;
    Expect(stream, needs);
    SortProfiles(stream);
    now.retraining.clear();
    for (const RetrainingProfile& profile : stream.profiles) {
      now.retraining.push_back(AsOffered(stream, profile));
    }
  }
  return situation;
}

void WindowRun::RunTrials(const schedule::ProfileNeeds& needs, const ServingPlan& plan) {
  const Quanta free = plan.TotalFree();
  if (memory_.shared && needs.accuracy && free > 0) {
    RunSharedTrials(needs);
    return;
  }
  std::vector<TrialRequest> requests;
  for (StreamWindow& stream : streams_) {
    if (!stream.may_retrain || stream.state.gone) continue;
    std::vector<std::string> unknown;
    for (const std::string& id : needs.configurations) {
      const auto last = memory_.profiler.LastKnown(stream.id, id);
      if (!needs.accuracy && last) {
        stream.profiles.push_back(*last);
      } else {
        unknown.push_back(id);
      }
    }
    if (unknown.empty()) continue;
    for (profile::Trial& trial : memory_.profiler.Trials(stream.id, unknown)) {
      requests.push_back({stream.id, std::move(trial)});
    }
  }
  if (requests.empty() || Left() <= 0) return;
  if (weighs_ && free > 0) {
    requests = WorthwhileTrials(SituationWithoutTrials(needs), plan, policy_, memory_.expectation,
                                settings_.most_profiling, std::move(requests));
    if (requests.empty()) return;
  }
  if (free <= 0) {
    Warn("", fmt::format("no trial was run: serving {} streams takes all {} quanta",
                         streams_.size(), settings_.devices * settings_.quanta_per_device));
    return;
  }
  const double start = ports_.timeline.Now();
  std::vector<Result<profile::TrialResult>> results = ports_.trials.Run(window_, requests);
  record_.profiling_seconds = ports_.timeline.Now() - start;
  EKYA_CHECK(results.size() == requests.size(), "one result per trial");
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (results[i].ok()) results[i] = profile::Likely(std::move(*results[i]));
    TakeResult(requests[i], results[i], needs);
  }
  TakeEvents();
}

void WindowRun::WarnOfTrial(const TrialRequest& request, const Error& error) {
  // A stream need not have every configuration, and a stop is no trouble.
  if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kNotFound) return;
  Warn(request.stream,
       fmt::format("the trial of {} failed: {}", request.trial.configuration.id, error.message));
}

// What a trial tells beside its promise: how right the served model is, and what is done already.
void WindowRun::NoteTrial(StreamWindow& stream, const profile::Trial& trial,
                          const profile::TrialResult& result) {
  if (result.held_out > 0 && result.start_accuracy >= 0 && result.start_accuracy <= 1) {
    // Profiles and the served model's accuracy are compared with each other: on the same samples.
    stream.state.accuracy = result.start_accuracy;
  }
  if (!result.resumable) return;
  const auto epochs = static_cast<int>(result.accuracy.size());
  for (const RetrainingConfiguration& configuration : settings_.retraining) {
    if (!memory_.profiler.SpeaksFor(trial, configuration)) continue;
    stream.done[configuration.id] =
        1 - profile::EpochsLeft(configuration, trial, epochs) / configuration.epochs;
  }
}

void WindowRun::TakeResult(const TrialRequest& request, const Result<profile::TrialResult>& result,
                           const schedule::ProfileNeeds& needs) {
  StreamWindow& stream = *Find(request.stream);
  if (!result.ok()) {
    WarnOfTrial(request, result.error());
    return;
  }
  record_.profiling_device_seconds += result->device_seconds;
  memory_.expectation.TrialTook(request.stream, result->device_seconds);
  NoteTrial(stream, request.trial, *result);
  // All wanted: those that pruning has left. A few wanted: these, pruned or not.
  const std::vector<std::string>& wanted = needs.configurations;
  for (const RetrainingConfiguration& configuration :
       wanted.size() < settings_.retraining.size() ? settings_.retraining
                                                   : memory_.profiler.Candidates(stream.id)) {
    const bool is_wanted =
        std::find(wanted.begin(), wanted.end(), configuration.id) != wanted.end();
    if (!is_wanted || !memory_.profiler.SpeaksFor(request.trial, configuration)) continue;
    const Result<RetrainingProfile> profile =
        memory_.profiler.Estimate(configuration, request.trial, *result);
    if (profile.ok()) {
      stream.promised[configuration.id] = *profile;
      stream.profiles.push_back(Believed(stream, *profile));
      if (weighs_) {
        const RetrainingProfile corrected = memory_.profiler.Corrected(stream.id, *profile);
        memory_.expectation.Tried(stream.id, stream.state.accuracy, corrected);
      }
    } else {
      Warn(stream.id, profile.error().message);
    }
  }
}

RetrainingProfile WindowRun::Believed(const StreamWindow& stream,
                                      const RetrainingProfile& promised) {
  const RetrainingProfile corrected = memory_.profiler.Corrected(stream.id, promised);
  if (!weighs_) return corrected;
  return memory_.expectation.Combined(stream.id, stream.state.accuracy, corrected);
}

// Policies see the profiles in the configurations' order, whichever trials they came from.
void WindowRun::SortProfiles(StreamWindow& stream) const {
  const auto place = [&](const RetrainingProfile& profile) {
    return std::find_if(settings_.retraining.begin(), settings_.retraining.end(),
                        [&](const RetrainingConfiguration& configuration) {
                          return configuration.id == profile.id;
                        }) -
           settings_.retraining.begin();
  };
  std::stable_sort(stream.profiles.begin(), stream.profiles.end(),
                   [&](const RetrainingProfile& left, const RetrainingProfile& right) {
                     return place(left) < place(right);
                   });
}

}  // namespace ekya::window
