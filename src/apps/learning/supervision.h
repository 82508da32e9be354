#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"

namespace ekya::learning {

/// `ekya experiment supervision`: processor time of a box of 20 streams whose cameras do not play:
/// what is left is the conducting process, that looks at its workers, closes intervals, asks the
/// registry for orders, and the workers' answers. Writes supervision.csv beside report.html and
/// summary.json.
Status RunSupervision(const ExperimentRequest& request);

}  // namespace ekya::learning
