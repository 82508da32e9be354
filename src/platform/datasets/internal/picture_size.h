#pragma once

#include <filesystem>
#include <istream>

#include "base/result.h"

namespace ekya::datasets {

/// A picture's width and height in pixels.
struct PictureSize {
  int width = 0;
  int height = 0;
};

/// The size that the header of the JPEG or PNG says that begins where `picture` stands; nothing is
/// decoded. kInvalid: `is no JPEG or PNG picture`, or where its header is cut off or makes no
/// sense.
Result<PictureSize> ReadPictureSize(std::istream& picture);

/// The same of a file; the error names it.
Result<PictureSize> SizeOfPicture(const std::filesystem::path& file);

}  // namespace ekya::datasets
