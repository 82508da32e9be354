#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/site.h"

namespace ekya::camera {

/// What a source says of itself once it is open.
struct SourceInfo {
  int width = 0;
  int height = 0;
  double frames_per_second = 0;  ///< Rate at which frames are to be shown.
  bool live = false;             ///< It paces itself; its frames come when they come (RTSP).
  bool has_truth = false;
  std::vector<std::string> classes;  ///< Of its truth; empty where the settings must say.
};

/// Frames one after the other, as fast as they are asked for (but for live sources). One thread.
/// Frame::index and Frame::time_seconds count from the source's first frame.
class Source {
 public:
  virtual ~Source() = default;
  virtual const SourceInfo& info() const = 0;
  /// The next frame; nothing at the end. An error that names the source where it is damaged from
  /// here on, or silent for `stall_seconds` (kUnavailable).
  virtual Result<std::optional<Frame>> Next() = 0;
  /// Leaves out the frames before `seconds` of the source's own time; how many. One that can only be
  /// read through (a video) takes its time. Errors as Next's.
  virtual Result<std::int64_t> SkipTo(double seconds);
  /// From now on a request on `stop` makes a Next that waits return kCancelled within 0.1 s or so.
  virtual void StopWith(std::stop_token stop) { (void)stop; }
};

/// Opens what `settings.url` names, with the masks blackened and the fixed regions added to every
/// frame. `seed` is the run's: a scene with the same seed draws the same frames. A request on
/// `stop` ends an opening that waits (kCancelled) and later calls of Next. Errors name the camera,
/// the source, what was found and what was expected; a password in a URL is never shown.
Result<std::unique_ptr<Source>> OpenSource(const CameraSettings& settings, std::uint64_t seed,
                                           std::stop_token stop = {});

}  // namespace ekya::camera
