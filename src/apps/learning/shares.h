#pragma once

#include "apps/learning/experiments.h"
#include "base/result.h"

namespace ekya::learning {

/// `ekya experiment shares`: what a training job really gets of a core under each way to enforce
/// shares; how soon a change of share is felt, against restarting the process for it; whether
/// inference keeps its frame intervals beside a training job on the same core. Nothing else should
/// compute meanwhile. Writes shares.csv, changes.csv, intervals.csv and restarts.csv beside
/// report.html and summary.json.
Status RunShares(const ExperimentRequest& request);

}  // namespace ekya::learning
