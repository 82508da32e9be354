#pragma once

#include <memory>

#include "platform/models/learning_detector.h"

namespace ekya::models {

/// `detector` as it is served, with its score threshold: exported and computed by ONNX Runtime
/// where its library is found, by LibTorch otherwise (a copy). It keeps nothing of `detector`, and
/// is made beside whatever is served. One thread at a time.
std::shared_ptr<Model> MakeServed(const LearningDetector& detector);

}  // namespace ekya::models
