#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decide/window/record.h"
#include "platform/registry/registry.h"

namespace ekya::workers {

/// Writes what a live run does into the registry while it does it, so that others can look and a
/// restart can go on. A registry that cannot be written (a full disk) costs a warning, never the
/// run: what could not be written is missing in it and nowhere else. Members may be called from any
/// thread.
class Recorder {
 public:
  /// Opens `file`, or says in a warning why nothing will be remembered.
  explicit Recorder(const std::filesystem::path& file);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The run begins, and its second 0 is now: `start_epoch`, in epoch seconds. All its times go on
  /// from there by the monotonic clock; where the system's clock jumps, an event says so.
  void Begin(double start_epoch, const std::string& scheduler, std::uint64_t seed,
             double window_seconds, const std::vector<registry::StreamEntry>& streams);
  /// The last run of this registry, if it was killed.
  std::optional<registry::RunEntry> Killed();
  /// That run goes on: never before its last window's end, whatever the system's clock says now.
  void Continue(const registry::RunEntry& run);
  /// Seconds since the run's second 0, once it has begun.
  double Elapsed() const;
  /// Null where it could not be opened.
  registry::Registry* registry() { return registry_.get(); }
  void Window(const window::WindowRecord& window);
  /// A stream's closed intervals that began at run time `from` or later, again where labels have
  /// come since. `versions`: of the served model, by the run time that it began to serve at.
  void Accuracies(const window::StreamRecord& stream, double from,
                  const std::map<double, std::int64_t>& versions);
  void Model(const registry::Manifest& manifest);
  /// One that cannot be written waits for the next that can.
  void Event(const std::string& stream, const std::string& kind, const std::string& detail);
  /// The version that an operator wants `stream` to be served by; 0: the best.
  std::int64_t Pinned(const std::string& stream);
  void End();

 private:
  /// Epoch seconds, on the run's clock once it runs.
  double Now() const;
  /// Writes it, and what waits before it.
  void Write(const registry::EventEntry& event);
  void NoteJump();
  /// Tells of the first failure, and again once writing works.
  void Note(const Status& status);

  std::unique_ptr<registry::Registry> registry_;  // null where it could not be opened
  std::int64_t run_ = 0;
  // Of the run's second 0, in epoch seconds and on the monotonic clock.
  std::atomic<double> start_epoch_{0};
  std::atomic<double> start_{0};
  std::atomic<bool> failing_{false};
  std::mutex untold_mutex_;
  // Guarded by untold_mutex_.
  std::deque<registry::EventEntry> untold_;
  double ahead_seconds_ = 0;  // The system's clock, of the run's.

  std::mutex pins_mutex_;
  // Guarded by pins_mutex_.
  std::int64_t changes_ = -1;  // Registry::Changes when pins_ were read.
  std::map<std::string, std::int64_t> pins_;
};

}  // namespace ekya::workers
