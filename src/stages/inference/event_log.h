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
/// Frigate's shape: {"type": "new|update|end", "before": {...}, "after": {...}}, epoch seconds, boxes
/// in pixels, `score`, `model_version`, `window`. A disk that is full costs lines, which are counted
/// and said once, never the stream. One thread.
class EventLog {
 public:
  /// Appends to `path`; makes its folder. `epoch_start`: epoch seconds of time 0 of the frames.
  static Result<std::unique_ptr<EventLog>> Open(const std::filesystem::path& path,
                                                std::string camera,
                                                std::vector<std::string> classes,
                                                double epoch_start);
  virtual ~EventLog() = default;
  /// Takes one analysed frame in; skipped ones change nothing.
  virtual void Add(const FrameResult& result, int window) = 0;
  /// Ends every followed object.
  virtual void Close() = 0;
  virtual std::int64_t lines_lost() const = 0;
};

}  // namespace ekya::inference
