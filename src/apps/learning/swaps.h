#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"

namespace ekya::learning {

/// `ekya experiment swaps`: a loaded stream, in turns with and without swaps as fast as they come,
/// until there were a thousand: frames that got no analysis, latency, pauses. Writes stretches.csv
/// and latencies.csv beside report.html and summary.json.
Status RunSwaps(const ExperimentRequest& request);

}  // namespace ekya::learning
