#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>

#include "base/clock.h"
#include "run/workers/event_timeline.h"
#include "run/workers/live_run.h"
#include "run/workers/ports.h"
#include "run/workers/stream_set.h"
#include "run/workers/trainer.h"

namespace ekya::workers {

/// Looks after the streams, closes their intervals, and tells of the progress and, to the box's
/// service supervisor, that it is alive.
class Ticker {
 public:
  /// `start`: the run's second 0 on the clock. Intervals are `interval` seconds long and begin at
  /// run time `from`.
  Ticker(const StreamSet& streams, LiveTrainer& trainer, const LiveOptions& options,
         const std::atomic<int>& window, Clock& clock, double start, double from, double interval);
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run(double from);
  void Close(double from, double to);
  void Tell(double now);

  const StreamSet& streams_;
  LiveTrainer& trainer_;
  const LiveOptions& options_;
  const std::atomic<int>& window_;
  Clock& clock_;
  const double start_;
  const double interval_;
  std::map<std::string, double> retraining_cpu_;
  std::map<std::string, double> told_cpu_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: begins with everything else in place
};

/// Posts kStop when the caller's flag is set, the time is up, or every source has ended.
class Watch {
 public:
  Watch(const StreamSet& streams, const LiveOptions& options, EventTimeline& timeline,
        ProfilingCompute& profiling);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void Run();

  const StreamSet& streams_;
  const LiveOptions& options_;
  EventTimeline& timeline_;
  ProfilingCompute& profiling_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: begins with everything else in place
};

}  // namespace ekya::workers
