#pragma once

#include <vector>

#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::window {

/// What the streams are served with while nothing retrains, and what that leaves.
struct ServingPlan {
  std::vector<Allocation> allocations;  ///< One per stream, in the situation's order.
  std::vector<Quanta> free;             ///< Per device.

  Quanta TotalFree() const;
};

/// Serves every stream of `situation` as well as it can be while at least `reserved` quanta stay
/// free: begins with each stream's best inference configuration and, while they need too much or do
/// not fit on the devices, steps down where a quantum costs the least accuracy. Steps below the
/// situation's floor, or to no service at all, are taken where the devices could not hold the jobs
/// otherwise, and never for the reservation's sake.
ServingPlan PlanServing(const Situation& situation, Quanta reserved);

}  // namespace ekya::window
