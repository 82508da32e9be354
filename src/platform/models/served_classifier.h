#pragma once

#include <memory>

#include "platform/models/classifier.h"
#include "platform/models/precision.h"

namespace ekya::models {

/// `classifier` as it is served: exported and computed by ONNX Runtime where its library is found,
/// else by LibTorch with packed weights where that is faster than as it is (the reason is logged
/// once). Its results are the classifier's, scores within 1e-4. `precision` kBfloat16: LibTorch
/// with packed bfloat16 weights where that is faster still, measured on a few pictures; logits are
/// then within 5 % of the largest one. It keeps nothing of `classifier`, and is made beside
/// whatever is served. One thread at a time.
std::shared_ptr<Model> MakeServed(const Classifier& classifier,
                                  Precision precision = Precision::kFloat32);

}  // namespace ekya::models
