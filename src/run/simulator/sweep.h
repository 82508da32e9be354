#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace.h"
#include "run/simulator/simulation.h"

namespace ekya::simulator {

/// The figures of one simulated run, without its course.
struct SweepRow {
  SimulationSettings settings;  ///< As asked for, zeros included.
  int streams = 0;
  int windows = 0;
  double window_seconds = 0;
  double mean_accuracy = 0;
  double worst_stream_accuracy = 0;
  int decisions = 0;
  int retrainings = 0;
  int swaps = 0;
  int warnings = 0;
  double predicted_error = 0;
  double inference_device_seconds = 0;
  double retraining_device_seconds = 0;
  double profiling_device_seconds = 0;
  double labelling_device_seconds = 0;
};

struct SweepSettings {
  int threads = 0;  ///< 0: one per processor.
  /// Finished runs are appended here and found again by the next sweep; empty: nowhere. A line that
  /// an interruption cut off is passed over.
  std::filesystem::path journal;
  /// Called after every run with how many of all are done. One thread at a time.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

/// Simulates `trace` once per entry of `runs`, several at a time. Rows come in the order of `runs`
/// and do not depend on threads, order or interruptions. The first failure ends it and names its
/// run.
Result<std::vector<SweepRow>> Sweep(const Trace& trace, const std::vector<SimulationSettings>& runs,
                                    const SweepSettings& settings);

/// One run's settings as a line of text: equal lines, equal settings.
std::string Describe(const SimulationSettings& settings);

}  // namespace ekya::simulator
