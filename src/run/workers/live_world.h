#pragma once

#include <utility>
#include <vector>

#include "decide/window/ports.h"
#include "decide/window/record.h"
#include "run/workers/event_timeline.h"
#include "run/workers/ports.h"
#include "run/workers/stream.h"
#include "run/workers/stream_set.h"
#include "run/workers/trainer.h"
#include "run/workers/trial_models.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// The live world behind the conductor's ports, from a run's second 0 to its end: who labels,
/// tries, trains, swaps and gets shares for the run's streams. Destroying it cancels what still
/// trains.
class LiveWorld {
 public:
  /// `cores[d]`: the number of device d (DeviceNumbers). Begins learning workers. All outlive it;
  /// `timeline`'s second 0 is `start` on the environment's clock.
  LiveWorld(const StreamEnvironment& environment, const StreamSet& streams, Workers& workers,
            const WorkerHooks& hooks, const std::vector<int>& cores, EventTimeline& timeline,
            double start);
  LiveWorld(const LiveWorld&) = delete;
  LiveWorld& operator=(const LiveWorld&) = delete;

  /// Valid as long as this is.
  window::Ports ports();
  LearningPool& pool() { return pool_; }
  LiveTrainer& trainer() { return trainer_; }
  ProfilingCompute& profiling() { return profiling_; }

  /// What was swapped since the last call. From the thread that conducts.
  std::vector<window::SwapRecord> TakeSwaps() { return std::exchange(swaps_, {}); }
  /// Adds what every job has cost to `record`.
  void Account(window::RunRecord* record) const;

 private:
  const StreamSet& streams_;
  EventTimeline& timeline_;
  const double device_cores_;
  ProfilingCompute profiling_;
  TrialModels trial_models_;
  LearningPool pool_;
  LiveTrainer trainer_;
  LiveMonitor monitor_;
  LiveLabels labels_;
  LiveTrialRunner trials_;
  std::vector<window::SwapRecord> swaps_;
  LiveSwapper swapper_;
  LiveAllocations allocations_;
  LiveDrift drift_;
};

}  // namespace ekya::workers
