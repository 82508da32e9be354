#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "decide/schedule/policy.h"
#include "decide/window/ports.h"

namespace ekya::window {

/// What a test says of one stream.
struct FakeStream {
  std::string id;
  double accuracy = 0.6;
  std::vector<InferenceProfile> inference = {{"every-1", 0.2, 1.0}, {"every-2", 0.1, 0.8}};
  bool gone = false;
  bool learns = true;
  Result<LabelSummary> labels = LabelSummary{100, {50, 50}};
  double labelling_seconds = 0;
  double trial_accuracy = 0.9;  ///< Promised, and what the retrained model then has.
  double trial_seconds = 1;     ///< Of each trial, while the window goes on.
  double trial_device_seconds = 0.5;
  double retraining_device_seconds = 10;
  /// Retraining goes on from the trial's model, which has had so many epochs (-1: as many as were
  /// asked for); 0: from the start.
  int trial_epochs = 0;
  std::optional<Error> trial_error;
  std::optional<Error> start_error;
  std::optional<Error> swap_error;
  std::string failure;         ///< Not empty: the retraining fails when half done.
  double estimate_factor = 1;  ///< Expected over real device seconds.
  /// Held-out accuracy after each epoch of the whole retraining, told as it goes; empty: nothing.
  std::vector<double> epochs = {};
  /// How many were planned, where the retraining ends early; 0: all.
  int planned_epochs = 0;
  /// Who asks twice at one moment how much is done hears of so much more: work goes on meanwhile.
  double unseen_device_seconds = 0;
  /// What the retrained model really has; negative: what its trial promised.
  double real_accuracy = -1;
  /// What its model says between two moments; empty: nothing.
  std::function<std::vector<ServedResult>(double from, double to)> served = {};
  double RealAccuracy() const { return real_accuracy < 0 ? trial_accuracy : real_accuracy; }
};

/// All ports over one virtual clock, for tests: jobs advance with their shares, events come at the
/// times a test gives, and every call leaves a line in `calls`.
class FakeWorld : public Timeline,
                  public StreamMonitor,
                  public LabelSource,
                  public TrialRunner,
                  public Trainer,
                  public Swapper,
                  public AllocationSetter,
                  public DriftSource {
 public:
  explicit FakeWorld(std::vector<FakeStream> list) : streams(std::move(list)) {}

  Ports ports() { return {*this, *this, *this, *this, *this, *this, *this, this}; }
  void At(double time, Event event) { scripted.emplace_back(time, std::move(event)); }
  bool Called(const std::string& call) const {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
  }

  double Now() const override { return clock.Now(); }

  std::optional<Event> WaitForEvent(double until) override {
    if (!pending.empty()) {
      Event event = pending.front();
      pending.erase(pending.begin());
      return event;
    }
    double next = until;
    for (const auto& [time, event] : scripted) next = std::min(next, std::max(time, Now()));
    for (const auto& [id, job] : jobs) {
      if (job.share > 0) next = std::min(next, Now() + (NextEpoch(id, job) - job.done) / job.share);
    }
    Advance(std::max(next, Now()));
    if (pending.empty()) return std::nullopt;
    return WaitForEvent(until);
  }

  std::vector<std::string> Streams() override {
    std::vector<std::string> ids;
    for (const FakeStream& stream : streams) ids.push_back(stream.id);
    return ids;
  }
  Result<StreamState> Observe(const std::string& id) override {
    const FakeStream& stream = Find(id);
    StreamState state{stream.gone, stream.accuracy, stream.inference};
    state.learns = stream.learns;
    return state;
  }
  std::vector<Result<LabelSummary>> Label(const std::vector<std::string>& ids, int,
                                          double until) override {
    std::vector<Result<LabelSummary>> labels;
    for (const std::string& id : ids) {
      const bool stopped = std::any_of(pending.begin(), pending.end(), [](const Event& event) {
        return event.kind == Event::Kind::kStop;
      });
      if (stopped || Now() >= until) {
        labels.emplace_back(Error{ErrorCode::kCancelled, "no time was left"});
        continue;
      }
      calls.push_back("label " + id);
      Advance(Now() + Find(id).labelling_seconds);
      labels.push_back(Find(id).labels);
    }
    return labels;
  }
  std::vector<Result<profile::TrialResult>> Run(
      int, const std::vector<TrialRequest>& requests) override {
    std::vector<Result<profile::TrialResult>> results;
    results.reserve(requests.size());
    for (const TrialRequest& request : requests) results.emplace_back(RunTrial(request));
    return results;
  }
  Result<profile::TrialResult> RunTrial(const TrialRequest& request) {
    const FakeStream& stream = Find(request.stream);
    calls.push_back("trial " + request.stream + " " + request.trial.configuration.id +
                    (request.resume ? " on" : ""));
    Advance(Now() + stream.trial_seconds);
    if (stream.trial_error) return *stream.trial_error;
    profile::TrialResult result;
    result.accuracy = {stream.trial_accuracy};
    result.trial_samples = 100 * request.trial.configuration.epochs;  // The whole training.
    result.full_samples = 100;
    result.device_seconds_per_epoch = stream.retraining_device_seconds * stream.estimate_factor;
    result.device_seconds = stream.trial_device_seconds;
    if (stream.trial_epochs != 0) {
      const int epochs = stream.trial_epochs > 0 ? stream.trial_epochs : request.trial.epochs;
      result.resumable = true;
      result.held_out = 100;
      result.trial_samples = 100;
      result.accuracy.assign(static_cast<std::size_t>(epochs), stream.trial_accuracy);
      result.start_accuracy = stream.accuracy;
      result.device_seconds_per_epoch /= request.trial.configuration.epochs;
    }
    return result;
  }
  Status Start(const std::string& id, int, const RetrainingConfiguration& configuration) override {
    calls.push_back("start " + id + " " + configuration.id);
    const FakeStream& stream = Find(id);
    if (stream.start_error) return *stream.start_error;
    const double work = stream.retraining_device_seconds;
    jobs[id] = {0, stream.failure.empty() ? work : work / 2, 0, 0};
    return {};
  }
  double DeviceSecondsDone(const std::string& id) const override {
    const auto job = jobs.find(id);
    if (job == jobs.end()) return 0;
    const bool again = std::exchange(asked_at[id], Now()) == Now();
    return job->second.done + (again ? Find(id).unseen_device_seconds : 0);
  }
  std::optional<RetrainingProgress> Progress(const std::string& id) const override {
    const auto job = jobs.find(id);
    if (job == jobs.end() || job->second.epochs == 0) return std::nullopt;
    const FakeStream& stream = Find(id);
    const auto epochs = static_cast<double>(stream.epochs.size());
    const double planned = stream.planned_epochs > 0 ? stream.planned_epochs : epochs;
    const auto done = static_cast<double>(job->second.epochs);
    return RetrainingProgress{done / planned, done / epochs * job->second.end,
                              stream.epochs[job->second.epochs - 1], 1000};
  }
  void Cancel(const std::string& id) override {
    calls.push_back("cancel " + id);
    jobs.erase(id);
  }
  Result<TrainedModel> Take(const std::string& id) override {
    calls.push_back("take " + id);
    return TrainedModel{id, 7, Find(id).RealAccuracy(), Find(id).retraining_device_seconds};
  }
  Status Swap(const TrainedModel& model) override {
    calls.push_back("swap " + model.stream);
    if (Find(model.stream).swap_error) return *Find(model.stream).swap_error;
    Find(model.stream).accuracy = model.accuracy;
    return {};
  }
  Status Apply(const std::vector<Allocation>& allocations) override {
    calls.push_back("apply");
    applied.push_back(allocations);
    for (auto& [id, job] : jobs) job.share = 0;
    for (const Allocation& allocation : allocations) {
      if (const auto job = jobs.find(allocation.stream); job != jobs.end()) {
        job->second.share = allocation.retraining_quanta / 10.0;
      }
    }
    return {};
  }
  Status ApplyProfiling(const std::vector<Quanta>& per_device) override {
    calls.push_back("profiling");
    profiling.push_back(per_device);
    return {};
  }

  Result<std::vector<ServedResult>> Served(const std::string& id, double from, double to) override {
    const FakeStream& stream = Find(id);
    return stream.served ? stream.served(from, to) : std::vector<ServedResult>{};
  }

  const FakeStream& Find(const std::string& id) const {
    return *std::find_if(streams.begin(), streams.end(),
                         [&](const FakeStream& stream) { return stream.id == id; });
  }
  FakeStream& Find(const std::string& id) {
    return *std::find_if(streams.begin(), streams.end(),
                         [&](const FakeStream& stream) { return stream.id == id; });
  }

  struct Job {
    double done = 0;
    double end = 0;  // Device seconds at which it succeeds or fails.
    double share = 0;
    std::size_t epochs = 0;  // That have ended.
  };
  VirtualClock clock;
  std::vector<FakeStream> streams;
  std::map<std::string, Job> jobs;
  mutable std::map<std::string, double> asked_at;
  std::vector<std::pair<double, Event>> scripted;
  std::vector<Event> pending;
  std::vector<std::string> calls;
  std::vector<std::vector<Allocation>> applied;
  std::vector<std::vector<Quanta>> profiling;

 private:
  // Device seconds at which the job's next epoch, or all of it, ends.
  double NextEpoch(const std::string& id, const Job& job) const {
    const std::size_t epochs = Find(id).epochs.size();
    if (job.epochs + 1 >= epochs) return job.end;
    return job.end * static_cast<double>(job.epochs + 1) / static_cast<double>(epochs);
  }

  void Advance(double time) {
    const double passed = time - Now();
    clock.SleepUntil(time);
    for (auto job = jobs.begin(); job != jobs.end();) {
      job->second.done += passed * job->second.share;
      if (job->second.share > 0 && job->second.done >= job->second.end - 1e-9) {
        const std::string& why = Find(job->first).failure;
        pending.push_back(
            {why.empty() ? Event::Kind::kRetrainingDone : Event::Kind::kRetrainingFailed,
             job->first, why});
        job = jobs.erase(job);
        continue;
      }
      if (job->second.share > 0 && job->second.done >= NextEpoch(job->first, job->second) - 1e-9) {
        ++job->second.epochs;
        pending.push_back({Event::Kind::kRetrainingProgress, job->first, ""});
      }
      ++job;
    }
    for (auto event = scripted.begin(); event != scripted.end();) {
      if (event->first <= Now()) {
        pending.push_back(event->second);
        event = scripted.erase(event);
      } else {
        ++event;
      }
    }
  }
};

/// A policy for tests, small enough to foresee: every stream is served with its best configuration
/// on device 0; of the streams that may, the one with the most to gain retrains with all that is
/// left.
class OneAtATime : public schedule::Policy {
 public:
  std::string name() const override { return "one-at-a-time"; }
  schedule::ProfileNeeds Needs(const std::vector<std::string>& candidates) const override {
    return needs ? *needs : schedule::ProfileNeeds{candidates, true};
  }
  Result<Schedule> Decide(const Situation& situation) override {
    asked.push_back(situation);
    if (override_decision) {
      if (std::optional<Result<Schedule>> answer = override_decision(situation)) return *answer;
    }
    Schedule schedule;
    schedule.scheduler = name();
    Segment segment{0, situation.window_seconds, {}};
    Quanta left = situation.quanta_per_device;
    const StreamSituation* best = nullptr;
    for (const StreamSituation& stream : situation.streams) {
      const InferenceProfile& serve = stream.inference.front();
      const Quanta quanta = QuantaFor(serve.share, situation.quanta_per_device);
      segment.jobs.push_back({stream.id, serve.id, quanta, 0, "", 0, 0});
      left -= quanta;
      if (stream.running) {
        best = &stream;
      } else if (!(best && best->running) && !stream.retraining.empty() && !stream.retrained &&
                 (!best || Gain(stream) > Gain(*best))) {
        best = &stream;
      }
    }
    if (best != nullptr && left > 0) {
      Allocation& job = *std::find_if(
          segment.jobs.begin(), segment.jobs.end(),
          [&](const Allocation& allocation) { return allocation.stream == best->id; });
      const RetrainingProfile& profile = best->retraining.front();
      job.retraining = profile.id;
      job.retraining_quanta = left;
      const double work = best->running ? best->running->device_seconds : profile.device_seconds;
      const double end = work * situation.quanta_per_device / left;
      if (end < situation.window_seconds) {
        Segment after = segment;
        segment.to_seconds = after.from_seconds = end;
        for (Allocation& allocation : after.jobs) {
          allocation.retraining.clear();
          allocation.retraining_quanta = 0;
        }
        schedule.timeline = {segment, after};
        return schedule;
      }
    }
    schedule.timeline = {segment};
    return schedule;
  }

  std::optional<schedule::ProfileNeeds> needs;
  std::function<std::optional<Result<Schedule>>(const Situation&)> override_decision;
  std::vector<Situation> asked;

 private:
  static double Gain(const StreamSituation& stream) {
    return stream.retraining.front().accuracy - stream.accuracy;
  }
};

}  // namespace ekya::window
