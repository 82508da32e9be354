#pragma once

#include <filesystem>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::camera {

/// Reads the JPEG or PNG picture at `path`, resized plainly to `width` x `height` pixels. Errors
/// name `path`: kNotFound, or kInvalid where it is no such picture, or only a part of one.
Result<Image> ReadPicture(const std::filesystem::path& path, int width, int height);

}  // namespace ekya::camera
