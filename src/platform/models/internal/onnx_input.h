#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::models::internal {

/// The shape of the first input of an ONNX model that no stored tensor fills, such as {1, 3, 416,
/// 416}; -1 where the file leaves a dimension open. OpenCV reads the shape and does not tell it.
/// kInvalid where `content` is no ONNX model or is cut off within its outermost fields.
Result<std::vector<std::int64_t>> OnnxInputShape(std::string_view content);

}  // namespace ekya::models::internal
