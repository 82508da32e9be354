#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace.h"
#include "decide/window/record.h"
#include "run/simulator/simulation.h"

namespace ekya::simulator {

/// What one stream was right on in one window of a recorded run, 0..1.
struct RecordedWindow {
  std::string stream;
  int window = 0;
  double accuracy = 0;  ///< Measured over the whole window.
  double replayed = 0;  ///< Of models that do not drift within a window, swapped and sampled as
                        ///< they were: all that a trace can hold.
  double before = 0;    ///< Of the model served at its start, every frame analysed.
  double after = 0;     ///< Of the one swapped in; `before` where none was.
  double swap_seconds = -1;   ///< Since the window's start; negative: no swap.
  std::string configuration;  ///< Of the retraining that ended; empty: none.
};

/// A recorded run (run.json) as a trace: the world that a simulator needs to live through it again.
struct RecordedTrace {
  Trace trace;
  SimulationSettings settings;          ///< The run's own: box, scheduler, windows.
  std::vector<RecordedWindow> windows;  ///< Stream by stream, in order of time.
};

/// A window starts with the accuracy that was measured before its swap (as every frame analysed);
/// a retraining that was swapped in gives what was measured after it and takes the device seconds
/// that it took; one that the gate kept out gives what was served. A configuration that was not
/// chosen gives what was promised of it, moved by as much as the served model's own estimate was
/// off in that window, or what was served where that is more, and takes what was promised. So the
/// gate is in the trace, and `settings` have none: the world may have drifted so far within a
/// window that a better model came to less than the one before it, and a simulated gate would keep
/// that one and let it shine on. Estimates are those that the scheduler saw, moved likewise: what
/// retraining seemed to gain it seems to gain again. Labelling and trials take, of each stream the
/// same part, the compute that was set aside times the time they took. Nothing is carried over
/// between windows (`later` is empty): each starts where the run's did. kInvalid: a run without a
/// decision, or a stream of which nothing was judged.
Result<RecordedTrace> TraceOfRecord(const window::RunRecord& run);

}  // namespace ekya::simulator
