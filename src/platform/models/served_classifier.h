#pragma once

#include <memory>

#include "platform/models/classifier.h"
#include "platform/models/serving_precision.h"

namespace ekya::models {

/// `classifier` as it is served: exported and computed by ONNX Runtime where its library is found,
/// else by LibTorch with packed weights where that is faster than as it is (the reason is logged
/// once). Its results are the classifier's, scores within 1e-4. `precision` kBfloat16: computed by
/// LibTorch with packed bfloat16 weights, logits then within 5 % of the largest one; kFastest: by
/// that where this device multiplies bfloat16 and it is faster, measured on a few pictures. One
/// that lies on a CUDA device is served there, by LibTorch, in the type of its precision. It keeps
/// nothing of `classifier`, and is made beside whatever is served. One thread at a time.
std::shared_ptr<Model> MakeServed(const Classifier& classifier,
                                  ServingPrecision precision = ServingPrecision::kFloat32);

}  // namespace ekya::models
