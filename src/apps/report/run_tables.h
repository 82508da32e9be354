#pragma once

#include <vector>

#include "apps/report/figure.h"
#include "apps/report/summary.h"
#include "decide/window/record.h"

namespace ekya::report {

/// One row per scheduler and setting, with its differences to no retraining and to uniform shares.
Table ComparisonTable(const std::vector<SchedulerResult>& results);

/// One row per stream: accuracy and its source, frames, retrainings, classes.
Table StreamTable(const window::RunRecord& run);

/// One row per retraining: what was predicted, what came.
Table RetrainingTable(const window::RunRecord& run);

}  // namespace ekya::report
