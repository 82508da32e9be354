#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// One thing that a labelled frame shows: an object, or a region of the site and what it shows.
struct LoggedObject {
  std::string class_name;
  Box box;           ///< In pixels of the frame.
  double score = 1;  ///< The golden model's confidence, 0..1; 1 for truth.
};

/// What was found out about one frame of a stream: a line of its label log.
struct LoggedFrame {
  int window = 0;
  std::int64_t frame_index = 0;  ///< As Frame::index.
  double time_seconds = 0;       ///< As Frame::time_seconds.
  int width = 0;                 ///< Of the frame, in pixels.
  int height = 0;
  std::string source;    ///< "golden" or "truth": who labelled it.
  bool uniform = false;  ///< Chosen evenly in time, so that it may measure; else for what it shows.
  std::vector<LoggedObject> objects;  ///< Everything labelled; empty: it shows nothing.
  /// The picture, a JPEG or PNG, as a path below the stream's folder; empty: it was not kept.
  std::string image;
};

/// The frame as one line of JSON, with its newline:
///
///   {"window": 3, "frame_index": 912, "time_seconds": 30.4, "width": 640, "height": 480,
///    "source": "golden", "uniform": true,
///    "objects": [{"class": "car", "box": [x, y, width, height], "score": 0.9}],
///    "image": "frames/3/912.jpg"}
std::string WriteLoggedFrame(const LoggedFrame& frame);

/// Reads a label log: the frames by index, each as its last line says it. Strict: an error
/// (kInvalid) names `file`, line and key; an image that is not below the stream's folder is one. A
/// last line without its end was being written when its writer was killed: it is passed over, with
/// a warning.
Result<std::vector<LoggedFrame>> ReadLabelLog(std::string_view text, const std::string& file);

/// Writes the label log of one window of one stream. What Sync returned for is there after a power
/// failure; what Append returned for, after a kill. One thread.
class LabelLog {
 public:
  /// Appends to `path`; makes its folders. A line that a killed writer left without its end is
  /// taken away first. kFailed names the path and the reason.
  static Result<std::unique_ptr<LabelLog>> Open(const std::filesystem::path& path);
  ~LabelLog();
  LabelLog(const LabelLog&) = delete;
  LabelLog& operator=(const LabelLog&) = delete;

  /// Writes the frames, whole lines or nothing: on an error (a full disk) the file ends as before.
  Status Append(const std::vector<LoggedFrame>& frames);
  /// Waits until what was appended is on the disk: at the window's end.
  Status Sync();

 private:
  LabelLog(int file, std::filesystem::path path, std::int64_t end);

  const int file_;
  const std::filesystem::path path_;
  std::int64_t end_;  // Of the last whole line.
};

}  // namespace ekya::datasets
