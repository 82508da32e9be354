#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace.h"
#include "decide/window/record.h"

namespace ekya::simulator {

/// One simulated run: who decides, on what box, for how long.
struct SimulationSettings {
  /// A policy with options, as MakePolicy takes it; "oracle:" in front shows it the truth instead
  /// of the estimates, at no cost of profiling.
  std::string scheduler = "thief";
  int devices = 1;
  Quanta quanta_per_device = 20;
  int streams = 0;            ///< Taken from the trace by SelectStreams; 0: all, in its order.
  int windows = 0;            ///< 0: as many as the trace's longest stream.
  double window_seconds = 0;  ///< 0: the trace's.
  double accuracy_floor = 0;
  std::uint64_t seed = 0;  ///< Chooses streams and noise.
  /// Standard deviation of the noise on every estimate of accuracy and device seconds, as a part of
  /// it.
  double noise = 0;
  /// Runs only the trials that are expected to be worth their cost; without it all of them, in
  /// every window.
  bool weigh_trials = true;
  /// Corrects estimates by how far earlier ones were off. Off where a trace has them corrected.
  bool correct = true;
  /// Multiplies the trace's labelling and profiling seconds.
  double preparation = 1;
  double swap_seconds = 0;  ///< For which a stream is not served while its model is swapped.
  double share_change_seconds = 0;  ///< For which a retraining stands still when its share changes.
  /// Keeps the served model where the retrained one is worse, as the live gate does.
  bool gate = true;
};

/// One stream's share in a simulated run.
struct SimulatedStream {
  std::string id;
  std::vector<double> window_accuracy;  ///< Mean over each window, 0..1.
  double mean_accuracy = 0;
};

struct SimulationResult {
  SimulationSettings settings;  ///< With the zeros filled in.
  std::vector<SimulatedStream> streams;
  double mean_accuracy = 0;  ///< Over streams (by weight) and time, 0..1; truth.
  double worst_stream_accuracy = 0;
  int decisions = 0;
  int retrainings = 0;  ///< Started.
  int swaps = 0;
  double inference_device_seconds = 0;  ///< At a whole device.
  double retraining_device_seconds = 0;
  double profiling_device_seconds = 0;
  double labelling_device_seconds = 0;
  double predicted_error =
      0;  ///< Mean of |achieved - predicted| accuracy over finished retrainings.
  std::vector<std::string> warnings;
  std::vector<window::WindowRecord> windows;
};

/// Runs `decide/window`'s conductor on `trace` with a virtual clock: what policies see are the
/// trace's estimates, what happens is its truth. The same trace and settings give the same result,
/// bit by bit. kInvalid: an unknown policy, a stream without windows or inference configurations.
///
/// What the trace does not say: window w of a stream with n windows is its window w modulo n; a
/// model retrained in an earlier window has the accuracies that its `later` lists, then the last of
/// them; with an empty `later` nothing is carried over and each window starts at its own
/// `accuracy`.
Result<SimulationResult> Simulate(const Trace& trace, const SimulationSettings& settings);

/// kInvalid where Simulate would refuse `scheduler`, with the known ones.
Status CheckScheduler(const std::string& scheduler);

/// `count` streams of `trace`: in an order that `seed` shuffles (0: the trace's own order). When
/// there are more than the trace has, the same streams again as "id#2", "id#3", ..., each a window
/// ahead of the one before.
Trace SelectStreams(const Trace& trace, int count, std::uint64_t seed);

}  // namespace ekya::simulator
