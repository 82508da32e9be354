#include "decide/window/internal/window_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/log.h"
#include "decide/window/internal/applicable.h"

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

}  // namespace

WindowRun::WindowRun(const ConductorSettings& settings, schedule::Policy& policy,
                     const Ports& ports, Memory& memory, int window, std::optional<double> end)
    : settings_(settings), policy_(policy), ports_(ports), memory_(memory), window_(window) {
  record_.window = window;
  record_.start_seconds = ports_.timeline.Now();
  end_ = end.value_or(record_.start_seconds + settings_.window_seconds);
}

Result<WindowRecord> WindowRun::Run() {
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
    if (!stream.profiles.empty()) memory_.profiler.EndWindow(stream.id, stream.profiles);
  }
  if (!status.ok()) return status.error();
  SettleDrift();
  record_.end_seconds = ports_.timeline.Now();
  return std::move(record_);
}

void WindowRun::Warn(const std::string& stream, const std::string& text) {
  Log(LogLevel::kWarning, stream, "window {}: {}", record_.window, text);
  record_.warnings.push_back(stream.empty() ? text : stream + ": " + text);
}

WindowRun::StreamWindow* WindowRun::Find(const std::string& id) {
  for (StreamWindow& stream : streams_) {
    if (stream.id == id) return &stream;
  }
  return nullptr;
}

// A stream that cannot be observed keeps its last state; one never seen counts as gone.
void WindowRun::Observe(StreamWindow& stream) {
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

Situation WindowRun::SituationNow() const {
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
      now.running = RunningRetraining{stream.running->expected.id, stream.running->device,
                                      SecondsLeft(stream)};
    }
    situation.streams.push_back(std::move(now));
  }
  return situation;
}

// A profile as the policy sees it: what is left to do, and what it brings where nothing is lost
// by trying.
RetrainingProfile WindowRun::AsOffered(const StreamWindow& stream,
                                       RetrainingProfile profile) const {
  const auto done = stream.done.find(profile.id);
  if (done != stream.done.end()) {
    profile.device_seconds *= std::max(1 - done->second, kHandOver);
  }
  if (settings_.gated) {
    profile.accuracy = profile::ExpectedBehindGate(profile, stream.state.accuracy);
  }
  return profile;
}

void WindowRun::Apply(const std::vector<Allocation>& allocations) {
  const Status status = ports_.allocations.Apply(allocations);
  if (!status.ok()) Warn("", "shares could not be set: " + status.error().message);
}

void WindowRun::ApplyProfiling(const std::vector<Quanta>& per_device) {
  const Status status = ports_.allocations.ApplyProfiling(per_device);
  if (!status.ok()) {
    Warn("", "shares of labelling and trials could not be set: " + status.error().message);
  }
}

// Handles what has happened until now without waiting. True where something did.
bool WindowRun::TakeEvents() {
  bool any = false;
  while (!record_.stopped) {
    const std::optional<Event> event = ports_.timeline.WaitForEvent(ports_.timeline.Now());
    if (!event) break;
    Handle(*event);
    any = true;
  }
  return any;
}

void WindowRun::Handle(const Event& event) {
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
    case Event::Kind::kRetrainingProgress:
      if (stream->running) LookAtProgress(*stream);
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

// Decides, applies, waits, until the window ends. Only a policy's failure is an error.
Status WindowRun::DecideUntilEnd() {
  const double shortest = kShortestDecision * settings_.window_seconds;
  reasons_.insert(reasons_.begin(), "window start");
  TakeEvents();
  while (!record_.stopped && record_.ended_early.empty() && Left() > 0) {
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
    WaitForAReason(until);
  }
  return {};
}

// Until `until` at most. What is no news (an epoch that went as expected) is no reason.
void WindowRun::WaitForAReason(double until) {
  const std::size_t known = reasons_.size();
  while (!record_.stopped && record_.ended_early.empty() && reasons_.size() == known) {
    const double wake = std::min(until, next_look_);
    const std::optional<Event> event = ports_.timeline.WaitForEvent(wake);
    if (event) {
      Handle(*event);
      TakeEvents();
    }
    LookAtLateness();
    if (event) continue;
    if (wake < until) {
      LookWhileServing();
      continue;
    }
    if (reasons_.size() == known && until < end_) {
      reasons_.emplace_back("end of a planned segment");
    }
    return;
  }
}

// Asks the policy and applies the first segment of its answer. Seconds until it is to be asked
// again; negative where a retraining could not start and it must be asked at once.
Result<double> WindowRun::Decide() {
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
  return std::min(first.to_seconds - first.from_seconds + PatienceFor(chosen),
                  SecondsUntilLate(first.jobs));
}

// A retraining that is expected to end with the first segment will say so itself: waiting a
// little past that moment saves a decision that its event would undo.
double WindowRun::PatienceFor(const Schedule& schedule) const {
  const Segment& first = schedule.timeline.front();
  for (const StreamWindow& stream : streams_) {
    if (!stream.running) continue;
    bool goes_on = false;
    for (std::size_t i = 1; i < schedule.timeline.size(); ++i) {
      for (const Allocation& job : schedule.timeline[i].jobs) {
        goes_on = goes_on || (job.stream == stream.id && job.retraining_quanta > 0);
      }
    }
    const auto job =
        std::find_if(first.jobs.begin(), first.jobs.end(),
                     [&](const Allocation& allocation) { return allocation.stream == stream.id; });
    if (!goes_on && job != first.jobs.end() && job->retraining_quanta > 0) {
      return kPatience * settings_.window_seconds;
    }
  }
  return 0;
}

}  // namespace ekya::window
