#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// Draws a camera over a crossing ("scene:intersection"): 640 x 360 pixels at
/// `settings.frames_per_second` (15 where it is 0), without an end. Persons, bicycles, cars, buses,
/// trucks and motorcycles pass; every one that is visible enough is a Region with its class as
/// truth and a track of its own.
///
/// The world drifts on a script of scene time, of which `settings.speed` seconds pass a second:
/// every 30 of them the light, the weather, the mix of classes and what a class looks like have
/// changed, by and by; some conditions come back. Motion is not sped up. Frame::source_time says
/// the scene time and the condition, such as "95.0 s rain".
///
/// `settings.seed`, `seed` and the camera's id fix everything: the town, the camera's place, the
/// order of the drift, every pixel. `settings.classes` restricts and orders the truth's classes.
Result<std::unique_ptr<Source>> OpenScene(const CameraSettings& settings, std::uint64_t seed);

}  // namespace ekya::camera
