#pragma once

#include <string>

#include "core/frame.h"

namespace ekya::datasets {

/// `picture`, which is not empty, as a PNG file that every program reads. Nothing is compressed: it
/// is as large as its pixels, and costs next to no time to write.
std::string PngOf(const Image& picture);

}  // namespace ekya::datasets
