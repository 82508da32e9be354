#pragma once

#include <memory>
#include <vector>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/timeline.h"

namespace ekya::schedule {

/// Plans the whole window: which streams are retrained, how, in which order and with how much, and
/// what inference has meanwhile. Local search over such plans, valued by a fluid estimate; the best
/// are placed and played (docs/scheduling.md).
struct PlannerOptions {
  double risk = 0;    ///< Standard deviations taken off an estimate's accuracy.
  bool bound = true;  ///< Whether the schedule carries its upper bound.
};

/// The best course that the search finds; never worse than RunExact's, nor (up to 64
/// streams) than the thief's, nor (up to 32 devices) than on fewer devices.
Course RunPlanner(const Problem& problem);

Result<std::unique_ptr<Policy>> MakePlanner(Options options);

}  // namespace ekya::schedule
