#pragma once

#include <memory>

#include "platform/models/classifier.h"
#include "platform/models/serving_precision.h"

namespace ekya::models {

/// `classifier` as it is served, by what OpenServingEngine finds. Its results are the classifier's:
/// with float32 scores within 1e-4, with bfloat16 logits within 5 % of the largest one. One that
/// lies on a CUDA device is served there, by LibTorch. It keeps nothing of `classifier`, and is
/// made beside whatever is served. One thread at a time.
std::shared_ptr<Model> MakeServed(const Classifier& classifier,
                                  ServingPrecision precision = ServingPrecision::kFloat32);

}  // namespace ekya::models
