#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "platform/registry/manifest.h"

namespace ekya::registry {

/// One start of the server. Times here and below are epoch seconds, unless they say otherwise.
struct RunEntry {
  std::int64_t id = 0;  ///< Given by the registry.
  double started_seconds = 0;
  double ended_seconds = 0;  ///< 0: it runs, or was killed.
  std::string scheduler;
  std::uint64_t seed = 0;
  double window_seconds = 0;
  std::string boot{};       ///< BootId then; empty: not known.
  double boot_seconds = 0;  ///< BootSeconds at its start.
};

struct StreamEntry {
  std::string id;
  std::string task;  ///< "classification" or "detection".
  std::vector<std::string> classes;
};

/// A profile of one retraining configuration as the scheduler was told it.
struct ProfileEntry {
  std::string stream;
  std::string configuration;
  double accuracy = 0;
  double device_seconds = 0;
  double spread = 0;
};

/// One schedule and why it was asked for.
struct DecisionEntry {
  double time_seconds = 0;
  std::string reason;
  std::string situation;  ///< `ekya-situation/1`.
  std::string schedule;   ///< `ekya-schedule/1`.
};

struct RetrainingEntry {
  std::string stream;
  std::string configuration;
  double start_seconds = 0;
  double end_seconds = 0;
  double predicted_accuracy = 0;
  double predicted_device_seconds = 0;
  double achieved_accuracy = 0;
  double device_seconds = 0;
  std::string outcome;
};

/// A prediction that turned out to be off by more than its spread, and what it was corrected to.
struct CorrectionEntry {
  double time_seconds = 0;
  std::string stream;
  std::string configuration;
  std::string what;  ///< "accuracy" or "device_seconds".
  double predicted = 0;
  double corrected = 0;
};

/// All that is kept of one retraining window.
struct WindowEntry {
  std::int64_t run = 0;
  int window = 0;
  double start_seconds = 0;
  double end_seconds = 0;
  double labelling_seconds = 0;
  double profiling_seconds = 0;
  double profiling_device_seconds = 0;
  bool stopped = false;
  std::vector<ProfileEntry> profiles;
  std::vector<DecisionEntry> decisions;
  std::vector<RetrainingEntry> retrainings;
  std::vector<CorrectionEntry> corrections;
};

/// What a stream's served model was worth in one stretch of time.
struct AccuracyEntry {
  std::string stream;
  std::int64_t version = 0;
  double from_seconds = 0;
  double to_seconds = 0;
  std::int64_t frames = 0;
  std::int64_t frames_skipped = 0;
  MeasuredAccuracy accuracy;  ///< Not a number where nothing was judged.
};

/// Something that happened to a job, a camera or a model.
struct EventEntry {
  std::int64_t id = 0;  ///< Given by the registry; rises.
  double time_seconds = 0;
  std::string stream;  ///< Empty: of the whole box.
  std::string kind;    ///< "worker started", "camera stalled", "model swapped", ...
  std::string detail;
};

/// What an operator wants of a stream's served model.
struct Pin {
  std::string stream;
  std::int64_t version = 0;
  double time_seconds = 0;
};

/// What happened on a box, in one SQLite file (write-ahead log, every commit flushed to disk):
/// written by the server, read by any process at the same time. What was returned as written is
/// there after a power failure. One that is damaged is put aside under another name and a new one
/// begun: the models have their manifests. Errors: kUnavailable where the disk is full or another
/// process holds the file for too long, and nothing of the call is written then. Members may be
/// called from any thread.
class Registry {
 public:
  /// Opens or begins the file at `path`; removes nothing. kInvalid: written by a newer Ekya.
  static Result<std::unique_ptr<Registry>> Open(const std::filesystem::path& path);
  /// For readers. kNotFound: no such file.
  static Result<std::unique_ptr<Registry>> OpenToRead(const std::filesystem::path& path);
  virtual ~Registry() = default;

  /// Where the damaged file was put; empty: it was whole.
  virtual const std::filesystem::path& put_aside() const = 0;

  virtual Result<std::int64_t> BeginRun(const RunEntry& run,
                                        const std::vector<StreamEntry>& streams) = 0;
  virtual Status EndRun(std::int64_t run, double ended_seconds) = 0;
  virtual Status RecordWindow(const WindowEntry& window) = 0;
  /// Replaces what was recorded of the same stream and `from_seconds`.
  virtual Status RecordAccuracies(const std::vector<AccuracyEntry>& accuracies) = 0;
  /// A version; written again (its verdict has come), the newer stands.
  virtual Status RecordModel(const Manifest& manifest) = 0;
  virtual Status RecordEvent(const EventEntry& event) = 0;
  /// Keeps `stream` at `version` until Unpin.
  virtual Status SetPin(const Pin& pin) = 0;
  virtual Status Unpin(const std::string& stream) = 0;

  // The newest come first, but for streams, which are sorted.
  virtual Result<std::vector<RunEntry>> Runs(int most) = 0;
  virtual Result<std::vector<StreamEntry>> Streams() = 0;
  /// With `window`: of that number alone.
  virtual Result<std::vector<WindowEntry>> Windows(int most, std::optional<int> window) = 0;
  virtual Result<std::vector<AccuracyEntry>> Accuracies(const std::string& stream, int most) = 0;
  virtual Result<std::vector<Manifest>> Models(const std::string& stream, int most) = 0;
  virtual Result<std::vector<EventEntry>> Events(int most) = 0;
  virtual Result<std::optional<Pin>> PinOf(const std::string& stream) = 0;
  virtual Result<std::vector<Pin>> Pins() = 0;
  /// A number that is another one after somebody else has written: whether to read again.
  virtual Result<std::int64_t> Changes() = 0;

  /// When the oldest and the newest of what Forget removes ended; both 0 where there is nothing.
  virtual Result<std::pair<double, double>> Span() = 0;
  /// Removes windows, accuracies and events that ended before `seconds`, and gives their place on
  /// the disk back; what runs and models there were is kept.
  virtual Status Forget(double seconds) = 0;
};

}  // namespace ekya::registry
