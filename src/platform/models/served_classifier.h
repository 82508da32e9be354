#pragma once

#include <memory>

#include "platform/models/classifier.h"

namespace ekya::models {

/// `classifier` as it is served: exported and computed by ONNX Runtime where its library is found,
/// by LibTorch otherwise (a copy; the reason is logged once). Its results are the classifier's,
/// scores within 1e-4. It keeps nothing of `classifier`, and is made beside whatever is served. One
/// thread at a time.
std::shared_ptr<Model> MakeServed(const Classifier& classifier);

}  // namespace ekya::models
