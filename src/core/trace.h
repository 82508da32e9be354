#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/situation.h"

namespace ekya {

/// One retraining configuration in one recorded window: the estimate, and what then happened.
struct TracedRetraining {
  std::string id;
  double accuracy = 0;        ///< Measured in this window after retraining, 0..1.
  double device_seconds = 0;  ///< Measured, at a whole device.
  std::vector<std::pair<double, double>> curve;  ///< (device seconds, accuracy), in order of time.
  /// All that a scheduler may see.
  double estimated_accuracy = 0;
  double estimated_device_seconds = 0;
  /// Accuracy in the next windows, if this model is still served then.
  std::vector<double> later;
};

struct TracedWindow {
  double accuracy =
      0;  ///< Of the model served at the window's start, if nothing was ever retrained.
  double labelling_seconds = 0;
  double profiling_seconds = 0;
  std::vector<TracedRetraining> retraining;
  // What a cached model may be chosen by; absent where the trace does not say.
  std::vector<double> class_mix = {};         ///< Part of each class among the objects.
  std::optional<double> seconds_of_day = {};  ///< Since midnight.
  std::optional<double> objects = {};         ///< Per frame.
  std::vector<double> location = {};          ///< Coordinates, in metres.
};

struct TracedStream {
  std::string id;
  std::vector<InferenceProfile> inference;
  std::vector<TracedWindow> windows;
  double weight = 1;                             ///< As in a situation.
  std::vector<ThroughputPoint> throughput = {};  ///< The same.
};

/// Recorded profiles of several streams and windows: `ekya-trace/1`, what the simulator replays.
struct Trace {
  double window_seconds = 200;
  std::vector<TracedStream> streams;
};

/// Reads `ekya-trace/1`, as strictly as ReadSituation. Streams may have different numbers of
/// windows, at least one each. `weight`, `throughput`, `labelling_seconds`, `profiling_seconds`,
/// `class_mix`, `seconds_of_day`, `objects`, `location`, `curve` and `later` may be absent;
/// `estimate` may not, since the truth must not stand in for it silently.
Result<Trace> ReadTrace(std::string_view text, const std::string& file);

/// `trace` as JSON text; ReadTrace gives the same value back.
std::string WriteTrace(const Trace& trace);

}  // namespace ekya
