#pragma once

#include <memory>
#include <stop_token>

#include "base/result.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// Plays a video file ("file:PATH" or a path) at its own pace, each frame once; where
/// `settings.frames_per_second` is less than the file's rate, only so many of its frames a second,
/// evenly spread. `settings.loop` starts again at the end. Frames of a damaged file come up to the
/// damage, then an error says where it is (kFailed).
Result<std::unique_ptr<Source>> OpenVideoFile(const CameraSettings& settings, std::stop_token stop);

/// Plays a camera's RTSP stream ("rtsp://" or "rtsps://"), over TCP, as its frames come, at most
/// `settings.frames_per_second` of them a second where that is not 0. Silence
/// for `settings.stall_seconds`, in opening too, and a closed connection are kUnavailable.
Result<std::unique_ptr<Source>> OpenRtsp(const CameraSettings& settings, std::stop_token stop);

}  // namespace ekya::camera
