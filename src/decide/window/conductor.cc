#include "decide/window/conductor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "decide/window/internal/applicable.h"
#include "decide/window/internal/worthwhile.h"
#include "decide/window/serving.h"

namespace ekya::window {
namespace {

// Below this part of the window nothing new is decided: a decision at every instant would only move
// shares around.
constexpr double kShortestDecision = 0.005;
// How much later than expected a retraining may end, as a part of the window, before its lateness
// is itself a reason to decide again.
constexpr double kPatience = 0.01;

// What the last look at a model that a trial has trained to its end costs, as a part of its
// training.
constexpr double kHandOver = 0.05;

// A retraining that runs.
struct Running {
  std::size_t record = 0;           // Index into WindowRecord::retrainings.
  RetrainingProfile expected;       // Of what was left when it started.
  double done = 0;                  // The part that a trial had done.
  double whole_device_seconds = 0;  // Expected of it without that trial.
  int device = 0;
};

struct StreamWindow {
  std::string id;
  StreamState state;
  bool may_retrain = false;  // It has labels and nothing went wrong.
  bool retrained = false;    // Its one retraining of this window has ended.
  std::vector<RetrainingProfile> profiles;
  // By configuration: the part of its training that a trial has done already.
  std::map<std::string, double> done;
  std::optional<Running> running;
};

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

bool StillTrains(const Schedule& schedule, const std::string& stream) {
  for (const Segment& segment : schedule.timeline) {
    for (const Allocation& job : segment.jobs) {
      if (job.stream == stream && job.retraining_quanta > 0) return true;
    }
  }
  return false;
}

// One window, from its start to its end.
class WindowRun {
 public:
  WindowRun(const ConductorSettings& settings, schedule::Policy& policy, const Ports& ports,
            profile::MicroProfiler& profiler, profile::Expectation& expectation, int window)
      : settings_(settings),
        policy_(policy),
        ports_(ports),
        profiler_(profiler),
        expectation_(expectation),
        window_(window) {
    record_.window = window;
    record_.start_seconds = ports_.timeline.Now();
    end_ = record_.start_seconds + settings_.window_seconds;
  }

  Result<WindowRecord> Run() {
    for (const std::string& id : ports_.monitor.Streams()) {
      StreamWindow stream;
      stream.id = id;
      streams_.push_back(std::move(stream));
      Observe(streams_.back());
    }
    Prepare();
    const Status status = DecideUntilEnd();
    for (StreamWindow& stream : streams_) {
      Cancel(stream, record_.stopped ? "the run was stopped" : "the window ended");
      if (!stream.profiles.empty()) profiler_.EndWindow(stream.id, stream.profiles);
    }
    if (!status.ok()) return status.error();
    record_.end_seconds = ports_.timeline.Now();
    return std::move(record_);
  }

 private:
  void Warn(const std::string& stream, const std::string& text) {
    Log(LogLevel::kWarning, stream, "window {}: {}", record_.window, text);
    record_.warnings.push_back(stream.empty() ? text : stream + ": " + text);
  }

  double Left() const { return end_ - ports_.timeline.Now(); }

  StreamWindow* Find(const std::string& id) {
    for (StreamWindow& stream : streams_) {
      if (stream.id == id) return &stream;
    }
    return nullptr;
  }

  // A stream that cannot be observed keeps its last state; one never seen counts as gone.
  void Observe(StreamWindow& stream) {
    Result<StreamState> state = ports_.monitor.Observe(stream.id);
    if (!state.ok()) {
      Warn(stream.id, "its state is unknown: " + state.error().message);
      if (stream.state.inference.empty()) stream.state.gone = true;
      return;
    }
    stream.state = std::move(*state);
    if (!(stream.state.accuracy >= 0 && stream.state.accuracy <= 1)) {
      Warn(stream.id, fmt::format("its accuracy is said to be {}, expected a number from 0 to 1; "
                                  "taken as 0",
                                  stream.state.accuracy));
      stream.state.accuracy = 0;
    }
  }

  Situation SituationNow() const {
    Situation situation;
    situation.window_seconds = std::max(Left(), 1e-9);
    situation.devices = settings_.devices;
    situation.quanta_per_device = settings_.quanta_per_device;
    situation.accuracy_floor = settings_.accuracy_floor;
    for (const StreamWindow& stream : streams_) {
      if (stream.state.gone) continue;
      StreamSituation now;
      now.id = stream.id;
      now.accuracy = stream.state.accuracy;
      now.inference = stream.state.inference;
      now.weight = stream.state.weight;
      now.throughput = stream.state.throughput;
      if (stream.may_retrain && !stream.retrained) {
        for (const RetrainingProfile& profile : stream.profiles) {
          now.retraining.push_back(AsOffered(stream, profile));
        }
      }
      now.retrained = stream.retrained;
      if (stream.running) {
        const double expected = stream.running->expected.device_seconds;
        const double done = ports_.trainer.DeviceSecondsDone(stream.id);
        // Late already: it may end any moment, and it may not.
        const double late = std::max(0.1 * expected, 1e-6);
        now.running = RunningRetraining{stream.running->expected.id, stream.running->device,
                                        done < expected ? expected - done : late};
      }
      situation.streams.push_back(std::move(now));
    }
    return situation;
  }

  // A profile as the policy sees it: what is left to do, and what it brings where nothing is lost
  // by trying.
  RetrainingProfile AsOffered(const StreamWindow& stream, RetrainingProfile profile) const {
    const auto done = stream.done.find(profile.id);
    if (done != stream.done.end()) {
      profile.device_seconds *= std::max(1 - done->second, kHandOver);
    }
    if (settings_.gated) {
      profile.accuracy = profile::ExpectedBehindGate(profile, stream.state.accuracy);
    }
    return profile;
  }

  void Apply(const std::vector<Allocation>& allocations) {
    const Status status = ports_.allocations.Apply(allocations);
    if (!status.ok()) Warn("", "shares could not be set: " + status.error().message);
  }

  void ApplyProfiling(const std::vector<Quanta>& per_device) {
    const Status status = ports_.allocations.ApplyProfiling(per_device);
    if (!status.ok()) {
      Warn("", "shares of labelling and trials could not be set: " + status.error().message);
    }
  }

  // Labels and trials, while the streams are served with the rest. After it every stream that may
  // be retrained has the profiles that the policy reads.
  void Prepare() {
    std::vector<std::string> candidates;
    for (const RetrainingConfiguration& configuration : settings_.retraining) {
      candidates.push_back(configuration.id);
    }
    const schedule::ProfileNeeds needs = policy_.Needs(candidates);
    if (needs.configurations.empty()) return;

    const Situation situation = SituationNow();
    const auto reserved = static_cast<Quanta>(
        std::ceil(settings_.preparation_share * situation.TotalQuanta() - 1e-9));
    const ServingPlan plan = PlanServing(situation, reserved);
    Apply(plan.allocations);
    ApplyProfiling(plan.free);
    LabelAll();
    if (!record_.stopped) {
      RunTrials(needs, plan);
      if (Weighs(needs)) ExpectTheRest(needs);
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

  void LabelAll() {
    const double start = ports_.timeline.Now();
    for (StreamWindow& stream : streams_) {
      TakeEvents();
      if (record_.stopped || Left() <= 0) break;
      if (stream.state.gone) continue;
      const Result<LabelSummary> labels = ports_.labels.Label(stream.id, window_);
      if (!labels.ok()) {
        Warn(stream.id, "not retrained in this window: no labels: " + labels.error().message);
        continue;
      }
      record_.labels[stream.id] = *labels;
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
  }

  bool Weighs(const schedule::ProfileNeeds& needs) const {
    return settings_.weigh_trials && needs.accuracy;
  }

  // The candidates of a stream that are `needs`.
  std::vector<std::string> CandidatesOf(const StreamWindow& stream,
                                        const schedule::ProfileNeeds& needs) const {
    if (needs.configurations.size() < settings_.retraining.size()) return needs.configurations;
    std::vector<std::string> ids;
    for (const RetrainingConfiguration& candidate : profiler_.Candidates(stream.id)) {
      ids.push_back(candidate.id);
    }
    return ids;
  }

  // Gives the stream the profiles that earlier windows lead to expect, for what has none.
  void Expect(StreamWindow& stream, const schedule::ProfileNeeds& needs) const {
    for (const std::string& id : CandidatesOf(stream, needs)) {
      const bool known = std::any_of(stream.profiles.begin(), stream.profiles.end(),
                                     [&](const RetrainingProfile& each) { return each.id == id; });
      const auto expected = expectation_.For(stream.id, id, stream.state.accuracy);
      if (!known && expected) stream.profiles.push_back(*expected);
    }
  }

  void ExpectTheRest(const schedule::ProfileNeeds& needs) {
    for (StreamWindow& stream : streams_) {
      if (stream.may_retrain && !stream.state.gone) Expect(stream, needs);
    }
  }

  // What the policy would be asked if no trial were run.
  Situation SituationWithoutTrials(const schedule::ProfileNeeds& needs) const {
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

  void RunTrials(const schedule::ProfileNeeds& needs, const ServingPlan& plan) {
    const Quanta free = plan.TotalFree();
    std::vector<TrialRequest> requests;
    for (StreamWindow& stream : streams_) {
      if (!stream.may_retrain || stream.state.gone) continue;
      std::vector<std::string> unknown;
      for (const std::string& id : needs.configurations) {
        const auto last = profiler_.LastKnown(stream.id, id);
        if (!needs.accuracy && last) {
          stream.profiles.push_back(*last);
        } else {
          unknown.push_back(id);
        }
      }
      if (unknown.empty()) continue;
      for (profile::Trial& trial : profiler_.Trials(stream.id, unknown)) {
        requests.push_back({stream.id, std::move(trial)});
      }
    }
    if (requests.empty() || Left() <= 0) return;
    if (Weighs(needs) && free > 0) {
      requests = WorthwhileTrials(SituationWithoutTrials(needs), plan, policy_, expectation_,
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

  void TakeResult(const TrialRequest& request, const Result<profile::TrialResult>& result,
                  const schedule::ProfileNeeds& needs) {
    StreamWindow& stream = *Find(request.stream);
    if (!result.ok()) {
      // A stream need not have every configuration, and a stop is no trouble.
      if (result.error().code != ErrorCode::kCancelled &&
          result.error().code != ErrorCode::kNotFound) {
        Warn(stream.id, fmt::format("the trial of {} failed: {}", request.trial.configuration.id,
                                    result.error().message));
      }
      return;
    }
    record_.profiling_device_seconds += result->device_seconds;
    expectation_.TrialTook(request.stream, result->device_seconds);
    if (result->held_out > 0 && result->start_accuracy >= 0 && result->start_accuracy <= 1) {
      // Profiles and the served model's accuracy are compared with each other: on the same samples.
      stream.state.accuracy = result->start_accuracy;
    }
    // All wanted: those that pruning has left. A few wanted: these, pruned or not.
    const std::vector<std::string>& wanted = needs.configurations;
    for (const RetrainingConfiguration& configuration : wanted.size() < settings_.retraining.size()
                                                            ? settings_.retraining
                                                            : profiler_.Candidates(stream.id)) {
      const bool is_wanted =
          std::find(wanted.begin(), wanted.end(), configuration.id) != wanted.end();
      if (!is_wanted || !profiler_.SpeaksFor(request.trial, configuration)) continue;
      if (result->resumable) {
        const auto epochs = static_cast<int>(result->accuracy.size());
        stream.done[configuration.id] =
            1 - profile::EpochsLeft(configuration, request.trial, epochs) / configuration.epochs;
      }
      const Result<RetrainingProfile> profile =
          profiler_.Estimate(configuration, request.trial, *result);
      if (profile.ok()) {
        const RetrainingProfile corrected = profiler_.Corrected(stream.id, *profile);
        if (Weighs(needs)) {
          stream.profiles.push_back(
              expectation_.Combined(stream.id, stream.state.accuracy, corrected));
          expectation_.Tried(stream.id, stream.state.accuracy, corrected);
        } else {
          stream.profiles.push_back(corrected);
        }
      } else {
        Warn(stream.id, profile.error().message);
      }
    }
  }

  // Policies see the profiles in the configurations' order, whichever trials they came from.
  void SortProfiles(StreamWindow& stream) const {
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

  // Handles what has happened until now without waiting. True where something did.
  bool TakeEvents() {
    bool any = false;
    while (!record_.stopped) {
      const std::optional<Event> event = ports_.timeline.WaitForEvent(ports_.timeline.Now());
      if (!event) break;
      Handle(*event);
      any = true;
    }
    return any;
  }

  void Handle(const Event& event) {
    if (event.kind == Event::Kind::kStop) {
      record_.stopped = true;
      return;
    }
    StreamWindow* stream = Find(event.stream);
    if (stream == nullptr) {
      Warn(event.stream, "an event of a stream that this window does not know is ignored");
      return;
    }
    switch (event.kind) {
      case Event::Kind::kRetrainingDone:
        // Without `running` the event crossed its own cancellation.
        if (stream->running) Finish(*stream);
        break;
      case Event::Kind::kRetrainingFailed:
        if (stream->running) Fail(*stream, event.detail);
        break;
      case Event::Kind::kStreamGone:
        Cancel(*stream, "the stream is gone");
        stream->state.gone = true;
        reasons_.push_back(event.stream + " gone");
        break;
      case Event::Kind::kStreamBack:
        stream->state.gone = false;
        Observe(*stream);
        reasons_.push_back(event.stream + " back");
        break;
      case Event::Kind::kStop:
        break;
    }
  }

  void Close(StreamWindow& stream, std::string outcome, double device_seconds) {
    RetrainingRecord& record = record_.retrainings[stream.running->record];
    record.end_seconds = ports_.timeline.Now();
    record.device_seconds = device_seconds;
    record.outcome = std::move(outcome);
    stream.running.reset();
  }

  void Finish(StreamWindow& stream) {
    const double done = ports_.trainer.DeviceSecondsDone(stream.id);
    const Result<TrainedModel> model = ports_.trainer.Take(stream.id);
    if (!model.ok()) {
      Fail(stream, model.error().message);
      return;
    }
    const std::string configuration = stream.running->expected.id;
    record_.retrainings[stream.running->record].achieved_accuracy = model->accuracy;
    // What it would have taken without the trial that it went on from.
    const RetrainingProfile outcome{
        configuration, model->accuracy,
        model->device_seconds + stream.running->done * stream.running->whole_device_seconds, 0};
    profiler_.Measured(stream.id, outcome);
    expectation_.Retrained(stream.id, stream.state.accuracy, outcome);
    const Status swapped = ports_.swapper.Swap(*model);
    Close(stream, swapped.ok() ? "swapped" : "kept old: " + swapped.error().message,
          std::max(model->device_seconds, done));
    stream.retrained = true;
    if (swapped.ok()) Observe(stream);
    reasons_.push_back("retraining of " + stream.id + " done");
  }

  void Fail(StreamWindow& stream, const std::string& why) {
    Warn(stream.id, "its retraining failed, the old model serves on: " + why);
    const double done = ports_.trainer.DeviceSecondsDone(stream.id);
    Close(stream, "failed: " + why, done);
    stream.may_retrain = false;
    stream.retrained = true;
    reasons_.push_back("retraining of " + stream.id + " failed");
  }

  void Cancel(StreamWindow& stream, const std::string& why) {
    if (!stream.running) return;
    const double done = ports_.trainer.DeviceSecondsDone(stream.id);
    ports_.trainer.Cancel(stream.id);
    Close(stream, "cancelled: " + why, done);
  }

  // Decides, applies, waits, until the window ends. Only a policy's failure is an error.
  Status DecideUntilEnd() {
    const double shortest = kShortestDecision * settings_.window_seconds;
    reasons_.insert(reasons_.begin(), "window start");
    TakeEvents();
    while (!record_.stopped && Left() > 0) {
      double until = end_;
      // Too late for anything but what an event has set free or taken.
      if (Left() > shortest || record_.decisions.empty()) {
        bool settled = false;
        while (!settled) {
          Result<double> segment = Decide();
          if (!segment.ok()) return segment.error();
          settled = *segment >= 0;
          if (settled) until = ports_.timeline.Now() + std::max(*segment, shortest);
        }
        until = std::min(until, end_);
      }
      const std::optional<Event> event = ports_.timeline.WaitForEvent(until);
      if (event) {
        Handle(*event);
        TakeEvents();
      } else if (until < end_) {
        reasons_.emplace_back("end of a planned segment");
      }
    }
    return {};
  }

  // Asks the policy and applies the first segment of its answer. Seconds until it is to be asked
  // again; negative where a retraining could not start and it must be asked at once.
  Result<double> Decide() {
    Decision decision;
    decision.time_seconds = ports_.timeline.Now();
    decision.reason = Join(std::exchange(reasons_, {}));
    decision.situation = SituationNow();
    if (decision.situation.streams.empty()) {
      Apply({});
      return Left();
    }
    Result<Schedule> schedule = policy_.Decide(decision.situation);
    if (!schedule.ok()) {
      return schedule.error().Within("window " + std::to_string(window_));
    }
    EKYA_RETURN_IF_ERROR(CheckApplicable(decision.situation, *schedule));
    decision.schedule = std::move(*schedule);
    const Schedule& chosen = record_.decisions.emplace_back(std::move(decision)).schedule;
    const Segment& first = chosen.timeline.front();

    for (StreamWindow& stream : streams_) {
      if (stream.running && !StillTrains(chosen, stream.id)) {
        Cancel(stream, "the scheduler stopped it");
        stream.retrained = true;
      }
    }
    for (const Allocation& job : first.jobs) {
      StreamWindow& stream = *Find(job.stream);
      if (job.retraining_quanta > 0 && !stream.running && !Start(stream, job)) return -1.0;
    }
    Apply(first.jobs);
    return first.to_seconds - first.from_seconds + PatienceFor(chosen);
  }

  bool Start(StreamWindow& stream, const Allocation& job) {
    const auto configuration = std::find_if(
        settings_.retraining.begin(), settings_.retraining.end(),
        [&](const RetrainingConfiguration& known) { return known.id == job.retraining; });
    const auto profile =
        std::find_if(stream.profiles.begin(), stream.profiles.end(),
                     [&](const RetrainingProfile& known) { return known.id == job.retraining; });
    EKYA_CHECK(configuration != settings_.retraining.end() && profile != stream.profiles.end(),
               job.retraining);
    const Status started = ports_.trainer.Start(stream.id, window_, *configuration);
    if (!started.ok()) {
      Warn(stream.id,
           "its retraining could not start, the old model serves on: " + started.error().message);
      stream.may_retrain = false;
      stream.retrained = true;
      reasons_.push_back("retraining of " + stream.id + " could not start");
      return false;
    }
    RetrainingRecord record;
    record.stream = stream.id;
    record.configuration = job.retraining;
    record.start_seconds = ports_.timeline.Now();
    const RetrainingProfile offered = AsOffered(stream, *profile);
    const auto done = stream.done.find(job.retraining);
    record.predicted_accuracy = profile->accuracy;
    record.predicted_device_seconds = offered.device_seconds;
    record_.retrainings.push_back(std::move(record));
    stream.running = Running{record_.retrainings.size() - 1, offered,
                             done == stream.done.end() ? 0 : done->second, profile->device_seconds,
                             job.retraining_device};
    return true;
  }

  // A retraining that is expected to end with the first segment will say so itself: waiting a
  // little past that moment saves a decision that its event would undo.
  double PatienceFor(const Schedule& schedule) const {
    const Segment& first = schedule.timeline.front();
    for (const StreamWindow& stream : streams_) {
      if (!stream.running) continue;
      bool goes_on = false;
      for (std::size_t i = 1; i < schedule.timeline.size(); ++i) {
        for (const Allocation& job : schedule.timeline[i].jobs) {
          goes_on = goes_on || (job.stream == stream.id && job.retraining_quanta > 0);
        }
      }
      const auto job = std::find_if(
          first.jobs.begin(), first.jobs.end(),
          [&](const Allocation& allocation) { return allocation.stream == stream.id; });
      if (!goes_on && job != first.jobs.end() && job->retraining_quanta > 0) {
        return kPatience * settings_.window_seconds;
      }
    }
    return 0;
  }

  const ConductorSettings& settings_;
  schedule::Policy& policy_;
  const Ports& ports_;
  profile::MicroProfiler& profiler_;
  profile::Expectation& expectation_;
  const int window_;
  double end_ = 0;
  std::vector<StreamWindow> streams_;
  std::vector<std::string> reasons_;  // Why the next decision is made.
  WindowRecord record_;
};

}  // namespace

Conductor::Conductor(ConductorSettings settings, schedule::Policy& policy, Ports ports)
    : settings_(std::move(settings)),
      policy_(policy),
      ports_(ports),
      profiler_(settings_.profiling, settings_.retraining) {}

Result<WindowRecord> Conductor::Run(int window) {
  return WindowRun(settings_, policy_, ports_, profiler_, expectation_, window).Run();
}

}  // namespace ekya::window
