#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/result.h"
#include "core/trace.h"

namespace ekya::learning {

/// What `ekya profile` was asked for.
struct TraceRequest {
  /// A site file: its cameras are what is recorded. Here a `file:` may also be a folder with a
  /// folder of pictures per class: a stream is made of it whose class mix goes round while its
  /// light fails.
  std::filesystem::path dataset;
  std::filesystem::path parts;  ///< Folder of what is done so far; a later call goes on there.
  int windows = 10;             ///< Of each stream at most; the first one makes the first model.
  /// Labelled per window at most, evenly spread; 0: all. Of a detection camera they are pictures,
  /// and the only ones that models are judged on.
  int samples = 400;
  bool plain = false;  ///< Estimates by the paper's own method.
  std::uint64_t seed = 0;
  /// Called after every training with how many are done and how many there are; false ends with
  /// kCancelled. May be empty.
  std::function<bool(std::size_t done, std::size_t total)> progress;
};

/// Records profiles of every camera of the data set: every retraining configuration trained in
/// every window (`accuracy`, `curve`), what its model is worth in the windows after (`later`), what
/// micro-profiling promised of it (`estimate`), and what every inference configuration leaves of a
/// model's accuracy and takes. A detector's accuracy is F1 at IoU 0.3 by its source's labels or the
/// golden model's. kInvalid: a file or setting that makes no sense, a camera that has no labels or
/// shows fewer than two windows; names the file or camera.
Result<Trace> RecordTrace(const TraceRequest& request);

}  // namespace ekya::learning
