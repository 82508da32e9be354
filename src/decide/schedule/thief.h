#pragma once

#include <memory>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/timeline.h"

namespace ekya::schedule {

/// The paper's scheduler (section 4.2, algorithms 1 and 2): from fair shares, every job in turn
/// steals from every other as long as the estimated mean accuracy rises.
struct ThiefOptions {
  double delta = 0.05;  ///< What is stolen at a time, in devices; at least a quantum.
  double risk = 0;      ///< Standard deviations taken off an estimate's accuracy.
};

/// The course that thief gives, run again whenever a retraining ends.
Course RunThief(const Problem& problem, const ThiefOptions& options);

Result<std::unique_ptr<Policy>> MakeThief(Options options);

}  // namespace ekya::schedule
