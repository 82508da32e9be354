#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"
#include "decide/window/record.h"
#include "run/simulator/simulation.h"
#include "run/simulator/trace_of_record.h"

namespace ekya::learning {

/// One run, live and simulated in the world that was recorded of it. Accuracies are means over
/// streams, 0..1.
struct TwinRuns {
  window::RunRecord live;
  simulator::RecordedTrace recorded;
  simulator::SimulationResult simulated;

  double LiveAccuracy() const;  ///< Of all judged frames, as the run's report says it.
  /// Of the recorded models, swapped and sampled when and how they were live, were they as good
  /// over the whole stretch that each served: what it differs from live by is what a trace cannot
  /// hold, and from the simulation what was decided otherwise, or at another time.
  double ReplayedAccuracy() const;
  double SimulatedAccuracy() const { return simulated.mean_accuracy; }
};

/// Records the trace of `live` and simulates it with the same scheduler, box and windows.
Result<TwinRuns> SimulateAgain(window::RunRecord live);

/// `ekya experiment live-vs-simulated`: ten windows of three drawn crossings, live (`ekya run`, a
/// process of its own), then in the simulator with the trace that was recorded. Writes runs.csv,
/// windows.csv and each seed's site.yaml, run.json and trace.json beside report.html and
/// summary.json.
Status RunLiveVsSimulated(const ExperimentRequest& request);

}  // namespace ekya::learning
