#include "apps/learning/profiling.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/random.h"

namespace ekya::learning {
namespace {

template <typename Set>
profile::TrialResult ResultOf(const Set& set, int held_out) {
  profile::TrialResult result;
  result.held_out = held_out;
  result.full_samples =
      static_cast<int>(set.training.size() + std::min(set.training.size(), set.exemplars.size()));
  return result;
}

}  // namespace

template <typename Task>
Result<MicroProfile> ProfileShared(profile::SharedProfiler& profiler,
                                   const RecordingOf<Task>& recording, std::uint64_t seed) {
  using Item = typename Task::Item;
  using Model = typename Task::Model;
  const int window = recording.window();
  const std::string& stream = recording.stream().id;
  const std::vector<Item>& held_out = recording.set().held_out;
  profile::Sight last;
  // What it costs to know this is the labels: served models have answered these frames.
  if (const RecordedServing* const before = recording.before()) {
    profiler.Achieved(stream, window - 1, before->configuration, before->before, before->after,
                      before->device_seconds);
    last = before->held_out;
  }
  const double start = ThreadCpuSeconds();
  const std::unique_ptr<Model> served = recording.base().Clone();
  if (recording.before() == nullptr && !held_out.empty()) {
    // The first model was made of these frames' window and has not answered any of them.
    const std::vector<Item>& all = recording.stream().windows.front().samples;
    const auto cut = static_cast<std::size_t>(std::find_if(all.begin(), all.end(),
                                                           [&](const Item& sample) {
                                                             return sample.time_seconds >=
                                                                    held_out.front().time_seconds;
                                                           }) -
                                              all.begin());
    EKYA_ASSIGN(const auto sights,
                SightsOf(*served, all, {}, {cut, all.size()}, recording.stream().window_seconds));
    last = sights.front();
  }
  EKYA_ASSIGN(const double served_accuracy, Measure(*served, held_out));
  last.accuracy = served_accuracy;
  last.labelled = Objects(held_out);
  profiler.Begin(stream, window, last);

  // A trial's own measuring comes after its epoch, once.
  typename Task::Set set = recording.set();
  set.held_out.clear();
  struct Running {
    std::unique_ptr<Model> model;
    profile::TrialResult result;
  };
  std::map<std::size_t, Running> running;
  for (auto next = profiler.NextTrials(); !next.empty(); next = profiler.NextTrials()) {
    for (const auto& [place, trial] : next) {
      const double trial_start = ThreadCpuSeconds();
      Running& run = running[place];
      if (run.model == nullptr) {
        run.model = served->Clone();
        run.result = ResultOf(set, Objects(held_out));
        run.result.start_accuracy = served_accuracy;
      }
      RetrainingConfiguration epoch = trial.configuration;
      epoch.epochs = 1;
      epoch.sample_fraction = trial.sample_fraction;
      retrain::TrainingHooks hooks;
      hooks.epoch = [&](const retrain::TrainingProgress& progress) {
        run.result.device_seconds_per_epoch = progress.epoch_cpu_seconds;
        return true;
      };
      // The same seed: the same samples again.
      auto outcome = Retrained(*run.model, set, epoch,
                               DeriveSeed(seed, fmt::format("{}/{}/trial", stream, window)), hooks);
      if (!outcome.ok()) {
        profiler.Tried(place, outcome.error());
        continue;
      }
      run.model = std::move(outcome->model);
      run.result.trial_samples = outcome->samples_per_epoch;
      run.result.device_seconds_once = outcome->once_cpu_seconds;
      EKYA_ASSIGN(const double accuracy, Settle(*run.model, held_out));
      run.result.accuracy.push_back(accuracy);
      run.result.device_seconds += ThreadCpuSeconds() - trial_start;
      profiler.Tried(place, run.result);
    }
  }
  MicroProfile profile;
  profile.profiles = profiler.Estimates();
  profiler.EndWindow();
  profile.device_seconds = ThreadCpuSeconds() - start;
  return profile;
}

template <typename Task>
Result<MicroProfile> ProfilePlain(const std::vector<RetrainingConfiguration>& grid,
                                  const RecordingOf<Task>& recording, std::uint64_t seed) {
  const double start = ThreadCpuSeconds();
  const profile::MicroProfiler profiler(
      {.sample_fraction = 0.1, .epochs = 5, .share_trials = false, .correct = false}, grid);
  MicroProfile profile;
  for (const profile::Trial& trial : profiler.Trials(recording.stream().id)) {
    RetrainingConfiguration configuration = trial.configuration;
    configuration.epochs = trial.epochs;
    configuration.sample_fraction = trial.sample_fraction;
    profile::TrialResult result = ResultOf(recording.set(), Objects(recording.set().held_out));
    result.full_samples =
        static_cast<int>(result.full_samples * trial.configuration.sample_fraction);
    double epochs_seconds = 0;
    retrain::TrainingHooks hooks;
    hooks.epoch = [&](const retrain::TrainingProgress& progress) {
      result.accuracy.push_back(progress.accuracy);
      epochs_seconds += progress.epoch_cpu_seconds;
      return profile::KeepTraining(result.accuracy);
    };
    EKYA_ASSIGN(const auto outcome, Retrained(recording.base(), recording.set(), configuration,
                                              DeriveSeed(seed, configuration.id), hooks));
    result.start_accuracy = outcome.start_accuracy;
    result.trial_samples = outcome.samples_per_epoch;
    result.device_seconds_per_epoch = epochs_seconds / static_cast<double>(result.accuracy.size());
    EKYA_ASSIGN(RetrainingProfile estimate, profiler.Estimate(trial, result));
    profile.profiles.push_back(std::move(estimate));
  }
  profile.device_seconds = ThreadCpuSeconds() - start;
  return profile;
}

template Result<MicroProfile> ProfileShared(profile::SharedProfiler&,
                                            const RecordingOf<ClassifyingTask>&, std::uint64_t);
template Result<MicroProfile> ProfileShared(profile::SharedProfiler&,
                                            const RecordingOf<DetectingTask>&, std::uint64_t);
template Result<MicroProfile> ProfilePlain(const std::vector<RetrainingConfiguration>&,
                                           const RecordingOf<ClassifyingTask>&, std::uint64_t);
template Result<MicroProfile> ProfilePlain(const std::vector<RetrainingConfiguration>&,
                                           const RecordingOf<DetectingTask>&, std::uint64_t);

}  // namespace ekya::learning
