// Profiles by what is believed of all configurations, windows and streams at once.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"
#include "decide/window/internal/window_run.h"

namespace ekya::window {
namespace {

// Where nothing says how many samples an accuracy rests on.
constexpr int kUnknownSamples = 50;
// About so much of the end of the window before is held out.
constexpr double kHeldOutPart = 0.35;

}  // namespace

void WindowRun::TellAchieved(const StreamWindow& stream, const LabelSummary& labels) {
  if (!memory_.shared) return;
  // The labels are those of the window before.
  const auto last = memory_.swapped.find(stream.id);
  const bool made = last != memory_.swapped.end() && last->second.window == window_ - 1;
  std::vector<profile::Sight> sights;
  if (labels.judged_accuracy >= 0 && labels.judged > 0) {
    sights.push_back(profile::LabelledSight(window_ - 0.5, labels.judged_accuracy, labels.judged));
  }
  if (!made) {
    memory_.shared->Achieved(stream.id, window_ - 1, "", {}, sights, 0);
    return;
  }
  // They do not say which of two models answered: the one that did for longer.
  const bool mostly = last->second.part_served > 0.5;
  const std::vector<profile::Sight> none;
  memory_.shared->Achieved(stream.id, window_ - 1, last->second.configuration,
                           mostly ? none : sights, mostly ? sights : none,
                           last->second.device_seconds);
}

void WindowRun::RememberSwap(const RetrainingRecord& record, double device_seconds) {
  const double served = (end_ - ports_.timeline.Now()) / settings_.window_seconds;
  memory_.swapped[record.stream] = {window_, record.configuration, served, device_seconds};
}

void WindowRun::RunSharedTrials(const schedule::ProfileNeeds& needs) {
  const double start = ports_.timeline.Now();
  const double latest = start + settings_.most_profiling * settings_.window_seconds;
  for (StreamWindow& stream : streams_) {
    if (!stream.may_retrain || stream.state.gone || record_.stopped) continue;
    const LabelSummary& labels = record_.labels[stream.id];
    const bool measured = labels.held_out_accuracy >= 0 && labels.held_out > 0;
    memory_.shared->Begin(
        stream.id, window_,
        profile::LabelledSight(window_ - kHeldOutPart / 2,
                               measured ? labels.held_out_accuracy : stream.state.accuracy,
                               measured ? labels.held_out : kUnknownSamples));
    RunRungs(stream, latest);
    for (const RetrainingProfile& profile : memory_.shared->Estimates()) {
      const bool wanted = std::find(needs.configurations.begin(), needs.configurations.end(),
                                    profile.id) != needs.configurations.end();
      // What no trial has told the cost of cannot be offered.
      if (wanted && profile.device_seconds > 0 && std::isfinite(profile.device_seconds)) {
        stream.profiles.push_back(profile);
      }
    }
    memory_.shared->EndWindow();
  }
  record_.profiling_seconds = ports_.timeline.Now() - start;
}

void WindowRun::RunRungs(StreamWindow& stream, double latest) {
  std::map<std::size_t, int> epochs;
  std::map<std::size_t, double> spent;
  for (auto next = memory_.shared->NextTrials(); !next.empty();
       next = memory_.shared->NextTrials()) {
    TakeEvents();
    if (record_.stopped || stream.state.gone || Left() <= 0 || ports_.timeline.Now() >= latest) {
      return;
    }
    std::vector<TrialRequest> requests;
    for (const auto& [place, trial] : next) {
      TrialRequest request{stream.id, trial, epochs[place] > 0};
      request.trial.epochs = ++epochs[place];
      requests.push_back(std::move(request));
    }
    std::vector<Result<profile::TrialResult>> results = ports_.trials.Run(window_, requests);
    EKYA_CHECK(results.size() == requests.size(), "one result per trial");
    for (std::size_t i = 0; i < next.size(); ++i) {
      const std::size_t place = next[i].first;
      if (results[i].ok()) {
        results[i] = profile::Likely(std::move(*results[i]));
        record_.profiling_device_seconds += results[i]->device_seconds - spent[place];
        spent[place] = results[i]->device_seconds;
        NoteTrial(stream, requests[i].trial, *results[i]);
      } else {
        WarnOfTrial(requests[i], results[i].error());
      }
      memory_.shared->Tried(place, results[i]);
    }
  }
}

}  // namespace ekya::window
