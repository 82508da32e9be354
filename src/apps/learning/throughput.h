#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"

namespace ekya::learning {

/// `ekya experiment throughput`: training and serving against Python with PyTorch and torchvision,
/// same networks, weights, pictures and one thread, in turns; what is around the forward pass of
/// serving; what bfloat16 does to accuracy; how far apart the default grid's configurations are.
/// Writes throughput.csv beside report.html and summary.json. kUnavailable where Python has no
/// PyTorch, or ONNX Runtime is not found.
Status RunThroughput(const ExperimentRequest& request);

}  // namespace ekya::learning
