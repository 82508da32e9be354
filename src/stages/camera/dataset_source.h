#pragma once

#include <memory>
#include <stop_token>

#include "base/result.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// Plays a stream of a labelled data set: `settings.url` is LAYOUT:PATH, such as
/// "coco:instances.json" (core/url.h has the layouts, docs/datasets.md shows them). What is
/// labelled are the frame's regions with their truths.
///
/// The scene starts with the stream's first frame and advances `settings.speed` seconds a second;
/// every shown frame is the latest whose time has come. Where the settings name no rate, it is the
/// stream's own, so that each frame shows; at most 60 a second. The last one stays for the usual
/// gap, then the source ends or, with `settings.loop`, starts again.
///
/// `settings.select` names the stream: "stream=aachen", or several, which then play one after
/// the other: "stream=aachen,bochum" or "stream=location_sf/*/FRONT"; a data set of one stream
/// needs none. `settings.classes` restricts and orders the truth's classes; objects of other
/// classes are left out. A picture that is damaged is left out with one warning, the one before it
/// stays; all that is wrong with labels is an error here.
Result<std::unique_ptr<Source>> OpenDataset(const CameraSettings& settings, std::stop_token stop);

}  // namespace ekya::camera
