#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// The frames that a stream has kept of one window, on their way from the process that saw them to
/// the one that labels them.
struct KeptFrames {
  std::vector<FramePtr> frames;     ///< In order of time, each with a picture.
  std::vector<double> uncertainty;  ///< Of the served model about each, 0..1.
  int seen = 0;                     ///< All frames of the window, kept or not.
};

/// One safetensors file, which a power failure may take, with everything that is known of the frames: pictures
/// byte for byte, regions, and their truth where the source has one.
Status SaveFrames(const std::filesystem::path& path, const KeptFrames& kept);
/// kNotFound: no such file. kInvalid names file, tensor, found and expected.
Result<KeptFrames> LoadFrames(const std::filesystem::path& path);

}  // namespace ekya::datasets
