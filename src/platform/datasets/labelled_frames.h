#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// A frame of a stream and what was found out about it.
struct FrameWithLabels {
  FramePtr frame;
  std::vector<Detection> objects;  ///< Of classification one per region.
  bool uniform = true;             ///< As LoggedFrame::uniform.
};

/// Keeps the labelled frames of `window` for whoever wants them as a data set: pictures as
/// `<folder>/frames/<window>/<index>.png`, then a line each in `<folder>/labels/<window>.jsonl`,
/// on the disk when this returns. `folder` is the stream's, `classes` its names, `source` "golden"
/// or "truth". Called again with frames that are there already, what is said last stands. Where a
/// picture cannot be written (a full disk) its line goes without; kFailed where the lines cannot.
Status KeepLabelledFrames(const std::filesystem::path& folder, int window,
                          const std::string& source, const std::vector<std::string>& classes,
                          const std::vector<FrameWithLabels>& frames);

}  // namespace ekya::datasets
