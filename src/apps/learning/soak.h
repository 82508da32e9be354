#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"

namespace ekya::learning {

/// `ekya experiment soak`: ten thousand swaps of a stream that serves, while a thousand others are
/// added and removed in the same process; memory, descriptors and latency meanwhile. Writes
/// samples.csv beside report.html and summary.json.
Status RunSoak(const ExperimentRequest& request);

}  // namespace ekya::learning
