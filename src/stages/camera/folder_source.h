#pragma once

#include <memory>

#include "base/result.h"
#include "core/site.h"
#include "stages/camera/source.h"

namespace ekya::camera {

/// How a folder of pictures is shown.
struct FolderLayout {
  int tile = 64;                  ///< Side of a tile in pixels; a picture is resized to it plainly.
  double frames_per_second = 10;  ///< Where the settings name no rate.
};

/// Replays pictures of fixed places (parking slots) that a manifest lists: CSV with a header line
/// and the columns
///   time   2015-07-03T08:05, with or without seconds, or plain seconds;
///   slot   the place, an integer from 0;
///   label  what the picture shows; may be empty where nobody knows;
///   file   a JPEG, relative to the manifest's folder;
/// in any order; others may be there. All rows of one time make one frame: a mosaic of square
/// tiles, one per slot in ascending order, from the top left. Each is a Region with its label as
/// truth and its slot as track. A slot without a picture at that time is black and no region.
///
/// The scene starts at the first time and advances `settings.speed` seconds a second; every shown
/// frame is the latest picture whose time has come, so a gap keeps the former. The last one stays
/// for the usual gap, then the source ends or, with `settings.loop`, starts again.
///
/// `settings.select` takes the rows whose column has one of the values: "slot=1-17",
/// "slot=3,7,35-"; conditions that must all hold are separated by ';'. Classes are
/// `settings.classes` or, where it is empty, the manifest's labels in order.
///
/// A picture that is missing or damaged is left out with one warning; everything else is an error
/// here.
Result<std::unique_ptr<Source>> OpenFolder(const CameraSettings& settings,
                                           const FolderLayout& layout = {});

}  // namespace ekya::camera
