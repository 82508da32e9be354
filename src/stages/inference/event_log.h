#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "stages/inference/inference_job.h"

namespace ekya::inference {

/// Follows objects from frame to frame (IoU) and writes what happens to them as JSON lines in
/// Frigate's shape: {"type": "new|update|end", "before": {...}, "after": {...}}. Both objects have
/// `id`, `camera`, `label`, `score`, `top_score`, `box` ([left, top, right, bottom] in pixels),
/// `area`, `frame_time`, `start_time`, `end_time` (epoch seconds; null while it is there),
/// `model_version` and `window`; of a new object both are the same.
///
/// An object is new when it is seen a second time, so that a flicker makes no event; it is updated
/// when its label changes or it has moved on, and ends when it was missed for a second and at least
/// three analysed frames. A disk that is full costs whole lines, which are counted and said once,
/// never the stream. One thread at a time.
class EventLog {
 public:
  /// A file that has grown to so many bytes is closed and a new one begun.
  static constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;

  /// Appends to `path`; makes its folder. `epoch_start`: epoch seconds of time 0 of the frames.
  /// `classes`: the names behind the results' class indices. At `file_bytes` "lobby.jsonl" becomes
  /// "lobby~1.jsonl", the next one "lobby~2.jsonl". kFailed names the path and the reason.
  static Result<std::unique_ptr<EventLog>> Open(const std::filesystem::path& path,
                                                std::string camera,
                                                std::vector<std::string> classes,
                                                double epoch_start,
                                                std::uint64_t file_bytes = kFileBytes);
  virtual ~EventLog() = default;
  /// Takes one analysed frame in; skipped ones change nothing.
  virtual void Add(const FrameResult& result, int window) = 0;
  /// Ends every followed object.
  virtual void Close() = 0;
  virtual std::int64_t lines_lost() const = 0;
};

}  // namespace ekya::inference
