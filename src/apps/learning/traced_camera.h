#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/learning/trace_recording.h"
#include "base/result.h"
#include "core/configuration.h"
#include "core/site.h"
#include "core/trace.h"
#include "decide/profile/shared_profiler.h"

namespace ekya::learning {

/// One camera of a data set as its trace is recorded, whatever its model does. One thread.
class TracedCamera {
 public:
  virtual ~TracedCamera() = default;

  virtual const std::string& id() const = 0;
  /// How many retraining windows it shows; the first one makes the first model.
  virtual std::size_t windows() const = 0;
  /// What serving the first model takes and leaves, frame sampling's staleness counted; made or
  /// read before any window is recorded.
  virtual Result<std::vector<InferenceProfile>> Begin() = 0;
  /// Window 1, 2, ..., in order: trained exhaustively, and estimated. `progress` as
  /// Recording::Record's.
  virtual Result<TracedWindow> Record(int window, profile::SharedProfiler& profiler,
                                      const std::function<bool()>& progress) = 0;
};

/// What `site` retrains with.
std::vector<RetrainingConfiguration> GridOf(const Site& site);

/// Reads what `camera` shows; labels are its source's or, of a detector, also the golden model's.
/// `site` and `request` outlive it. Errors as RecordTrace's.
Result<std::unique_ptr<TracedCamera>> OpenTracedCamera(const CameraSettings& camera,
                                                       const Site& site,
                                                       const TraceRequest& request);

}  // namespace ekya::learning
