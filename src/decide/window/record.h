#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/schedule.h"
#include "core/situation.h"
#include "decide/window/ports.h"

namespace ekya::window {

/// One thing that the loop did or saw, for reports and the registry.
struct Decision {
  double time_seconds = 0;  ///< On the run's clock.
  std::string reason;       ///< "window start", "retraining of lobby done", ...
  Situation situation;      ///< What the policy was asked.
  Schedule schedule;        ///< What it answered.
};

/// A retraining's course.
struct RetrainingRecord {
  std::string stream;
  std::string configuration;
  double start_seconds = 0;  ///< On the run's clock.
  double end_seconds = 0;
  double predicted_accuracy = 0;
  double predicted_device_seconds = 0;
  double predicted_spread = 0;   ///< Standard deviation of predicted_accuracy; 0: not known.
  double achieved_accuracy = 0;  ///< Of the trained model on held-out samples; 0 where none came.
  double device_seconds = 0;
  std::string outcome;  ///< "swapped", "kept old: ...", "failed: ...", "cancelled: ...".
};

/// A prediction that turned out to be off by more than its spread, and what it was corrected to.
struct CorrectionRecord {
  double time_seconds = 0;  ///< On the run's clock.
  std::string stream;
  std::string configuration;
  std::string what;  ///< "accuracy", or "device_seconds" of what is trained in the window.
  double predicted = 0;
  double corrected = 0;
};

/// Whether a stream's world was seen to have changed, and by whom.
struct DriftFinding {
  bool drifted = false;
  double p_served = -1;  ///< Of the served results being as before; negative: not compared.
  double p_golden = -1;  ///< Of the labels being no less often right; negative: not compared.
  bool skipped = false;  ///< The stream was not retrained in this window for want of drift.
  std::string reason;
};

/// What happened in one retraining window.
struct WindowRecord {
  int window = 0;
  double start_seconds = 0;
  double end_seconds = 0;
  double labelling_seconds = 0;  ///< Wall time, taken off the window.
  double profiling_seconds = 0;
  double profiling_device_seconds = 0;
  double preparation_devices = 0;  ///< Whole devices that labelling and trials might use.
  std::map<std::string, LabelSummary> labels;
  std::map<std::string, std::vector<RetrainingProfile>> profiles;
  std::vector<Decision> decisions;
  std::vector<RetrainingRecord> retrainings;
  std::vector<CorrectionRecord> corrections;
  std::map<std::string, DriftFinding> drift;  ///< At its start; absent: nobody watched.
  std::string ended_early;  ///< Why it ended before its time, for drift; empty: it did not.
  std::vector<std::string> warnings;  ///< What went wrong and was survived, for people.
  bool stopped = false;               ///< The run was told to end.
};

/// One stream's results in one short interval of a run.
struct StreamInterval {
  double from_seconds = 0;  ///< On the run's clock, 0 at the first judged window's start.
  double to_seconds = 0;
  int frames = 0;          ///< That the camera gave, analysed or not.
  int frames_skipped = 0;  ///< Not analysed: they carry the last result.
  /// Mean over the interval's frames, 0..1; negative where nothing could be judged. For detection:
  /// F1 at IoU 0.3 over the judged frames.
  double accuracy = -1;
  std::vector<int> class_counts;  ///< Judged objects per class: the class mix.
  double inference_cores = 0;     ///< Measured processor seconds per second, by job.
  double retraining_cores = 0;
};

struct StreamRecord {
  std::string id;
  std::string accuracy_source;  ///< "truth", "golden" or "estimated".
  std::vector<std::string> classes;
  std::vector<StreamInterval> intervals;
  double mean_accuracy = 0;  ///< Over every judged frame, skipped ones with their last result.
  double accuracy_low = 0;  ///< Of its 95 % interval, in which stretches of time count, not frames.
  double accuracy_high = 1;
  std::int64_t frames = 0;
  std::int64_t frames_skipped = 0;
  std::int64_t analyses_missed = 0;  ///< That frame sampling asked for: the box was behind.
};

/// When a stream's served model changed.
struct SwapRecord {
  double time_seconds = 0;
  std::string stream;
  std::int64_t version = 0;
};

/// What is left of a long run's first windows: their sums. The registry has each of them.
struct EarlierWindows {
  int windows = 0;
  double until_seconds = 0;                ///< Where the last of them ended, on the run's clock.
  std::map<std::string, int> retrainings;  ///< By stream.
  std::map<std::string, int> swaps;        ///< By stream.
  int warnings = 0;
};

/// Everything that one run leaves behind: what report and summary are made of.
struct RunRecord {
  std::string scheduler;
  std::uint64_t seed = 0;
  int devices = 1;
  double device_cores = 1;
  Quanta quanta_per_device = 20;
  double window_seconds = 0;
  std::vector<StreamRecord> streams;
  EarlierWindows earlier;  ///< Before those in `windows`.
  std::vector<WindowRecord> windows;
  std::vector<SwapRecord> swaps;
  std::vector<std::string> warnings;
  /// Measured, whole run, at a whole device.
  double inference_device_seconds = 0;
  double retraining_device_seconds = 0;
  double profiling_device_seconds = 0;
  double labelling_device_seconds = 0;
  std::map<std::string, double> figures;  ///< Named numbers of an experiment.
};

/// How much a run's record holds one by one.
struct RecordLimits {
  std::size_t windows = 1'000;
  /// A decision counts once for each stream that it was about: with it goes all that was known of
  /// that stream, some 2 kB.
  std::size_t stream_decisions = 40'000;
  std::size_t warnings = 1'000;
};

/// Adds `window` and the `swaps` of its time to `run`. A box runs for a year: where that is more
/// than `limits`, the oldest windows go to `earlier`; the newest always stays.
void Keep(WindowRecord window, std::vector<SwapRecord> swaps, RunRecord* run,
          const RecordLimits& limits = {});
/// Adds a warning that belongs to no window, in the same way.
void Warn(std::string warning, RunRecord* run, const RecordLimits& limits = {});

}  // namespace ekya::window
