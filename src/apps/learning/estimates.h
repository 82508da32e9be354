#pragma once

#include "apps/learning/experiments.h"

namespace ekya::learning {

/// How far micro-profiling's estimates are from what exhaustive training of every configuration
/// gives, and what they cost: on a parking lot at two input sizes, on pictures whose class mix and
/// light drift, and on drawn crossings. Recordings are kept in `request.out`: a run that was
/// interrupted goes on, and one with another way to estimate need not train again.
Status RunEstimates(const ExperimentRequest& request);

}  // namespace ekya::learning
