#pragma once

#include <memory>

#include "platform/models/learning_detector.h"
#include "platform/models/serving_precision.h"

namespace ekya::models {

/// `detector` as it is served, with its score threshold, by what OpenServingEngine finds; scores
/// are within 1e-4. `precision` as for classifiers; with bfloat16 most scores are within 0.02 and
/// all within 0.15 (public weights, a real street). On a CUDA device as a classifier. It keeps
/// nothing of `detector`, and is made beside whatever is served. One thread at a time.
std::shared_ptr<Model> MakeServed(const LearningDetector& detector,
                                  ServingPrecision precision = ServingPrecision::kFloat32);

}  // namespace ekya::models
