#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/datasets/label_log.h"

namespace ekya::datasets {

/// What a stream's label logs say, and where its pictures are.
struct LoggedStream {
  std::filesystem::path folder;      ///< Below which LoggedFrame::image leads.
  std::vector<std::string> classes;  ///< Numbered in this order; others that are met come after.
  std::vector<LoggedFrame> frames;   ///< By window, then frame.
  std::vector<std::string> passed_over;  ///< Logs that cannot be read: why.
};

/// Reads every window's log in `labels`, a folder of <window>.jsonl. A log that is damaged is
/// passed over. kNotFound: no such folder, or no log in it.
Result<LoggedStream> ReadLabelLogs(const std::filesystem::path& labels);

struct ExportedLabels {
  std::int64_t frames = 0;
  std::int64_t objects = 0;
  std::int64_t without_picture = 0;  ///< Frames left out: the picture was not kept, or went.
};

/// Writes `stream` into `out`, which must not exist or be empty, as a data set: copies of the
/// pictures in `images/`, named <window>-<frame>, and the labels of those that have one. Boxes are
/// cut to their frames; what is outside is left out. `format` is
/// "coco": `labels.json`, whose images have `window`, `frame_index`, `time_seconds`, `source` and
/// `uniform` too and whose annotations a `score`; or
/// "yolo": `data.yaml` and, in `labels/`, a text file per picture.
/// kInvalid: another format, or `out` is not empty; kFailed: what could not be written.
Result<ExportedLabels> ExportLabels(const LoggedStream& stream, const std::string& format,
                                    const std::filesystem::path& out);

}  // namespace ekya::datasets
