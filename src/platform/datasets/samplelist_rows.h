#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// One object of a samplelist.
struct SamplelistRow {
  int line = 0;
  std::string picture;      ///< Its file; empty where the row names a frame.
  std::int64_t frame = -1;  ///< Counts the camera's frames from 1; -1 where it names a picture.
  std::string camera;       ///< The video of that frame; may be empty.
  std::optional<double> seconds{};
  std::string label;                     ///< The class as the row spells it.
  std::optional<std::int64_t> number{};  ///< The same where it is a number.
  bool crop = false;  ///< The whole picture is the object: it was cut out already.
  Box box;            ///< Of an object that is no crop.
};

/// Reads a samplelist: CSV, one object a line, with the columns `idx,class,x0,y0,x1,y1` (idx is the
/// frame, from 1) or `idx,imgpath,class,x0,y0,x1,y1`, with or without a header line; or, with one,
/// with any columns among which are class and the box's edges (x0 or xmin, ...) and `imgpath` or
/// `frame id` (with `camera`), perhaps `timestamp` in seconds; or those of crops: `image name`,
/// `segment`, `camera name`, `class` and `timestamp` in microseconds.
Result<std::vector<SamplelistRow>> ReadSamplelistRows(std::istream& text, const std::string& file);

}  // namespace ekya::datasets
