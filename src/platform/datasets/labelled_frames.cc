#include "platform/datasets/labelled_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "platform/datasets/label_log.h"
#include "platform/datasets/png.h"

namespace ekya::datasets {
namespace {

LoggedFrame LineOf(const FrameWithLabels& labelled, int window, const std::string& source,
                   const std::vector<std::string>& classes) {
  const Frame& frame = *labelled.frame;
  LoggedFrame line;
  line.window = window;
  line.frame_index = frame.index;
  line.time_seconds = frame.time_seconds;
  line.width = frame.image.width;
  line.height = frame.image.height;
  line.source = source;
  line.uniform = labelled.uniform;
  for (const Detection& object : labelled.objects) {
    const Box& box = object.box;
    const bool known =
        object.class_index >= 0 && static_cast<std::size_t>(object.class_index) < classes.size();
    const bool finite = std::isfinite(box.x + box.y + box.width + box.height);
    if (!known || !finite || box.width < 0 || box.height < 0) continue;
    line.objects.push_back({classes[static_cast<std::size_t>(object.class_index)], box,
                            std::isfinite(object.score) ? std::clamp(object.score, 0.0, 1.0) : 0});
  }
  return line;
}

}  // namespace

Status KeepLabelledFrames(const std::filesystem::path& folder, int window,
                          const std::string& source, const std::vector<std::string>& classes,
                          const std::vector<FrameWithLabels>& frames) {
  std::vector<LoggedFrame> lines;
  bool room = true;
  for (const FrameWithLabels& labelled : frames) {
    if (labelled.frame->image.empty()) continue;
    LoggedFrame line = LineOf(labelled, window, source, classes);
    if (room) {
      std::string name = fmt::format("frames/{}/{}.png", window, labelled.frame->index);
      const Status written = WriteFileAtomically(folder / name, PngOf(labelled.frame->image));
      if (written.ok()) {
        line.image = std::move(name);
      } else {
        room = false;  // Nor will there be any for the next one.
        Log(LogLevel::kWarning, folder.filename().string(), "labelled pictures are not kept: {}",
            written.error().message);
      }
    }
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return {};
  EKYA_ASSIGN(const auto log, LabelLog::Open(folder / "labels" / fmt::format("{}.jsonl", window)));
  EKYA_RETURN_IF_ERROR(log->Append(lines));
  return log->Sync();
}

}  // namespace ekya::datasets
