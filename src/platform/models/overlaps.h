#pragma once

#include <vector>

#include "core/frame.h"

namespace ekya::models {

/// Drops, of two boxes of one class that overlap by more than `limit` (IoU), the one with less
/// score; best score first. Only the 1000 best are compared.
std::vector<Detection> SuppressOverlaps(std::vector<Detection> candidates, double limit);

}  // namespace ekya::models
