#pragma once

#include <vector>

#include "core/schedule.h"
#include "core/situation.h"
#include "decide/schedule/estimate.h"

namespace ekya::schedule {

/// How much effort goes into a bound.
struct BoundOptions {
  int slots = 40;        ///< Into which the window is cut, besides the cuts given.
  int iterations = 300;  ///< Of the search for prices; each gives a valid bound.
};

/// A bound on the sum over streams of accuracy times seconds that no schedule of `problem` exceeds,
/// with shares that change at any time and placement left out: compute is priced, constant in each
/// slot of time, every stream answers with its best plan at these prices, and the prices are moved
/// to where the sum is least (Lagrangian relaxation; proof in docs/scheduling.md). `cuts` are times
/// at which prices may change, such as the completions of a good plan; `value` is what is known to
/// be reachable, which sets the length of the steps. `problem` is prepared without risk; its floors
/// bind where it says that they are feasible and are left out where not.
double UpperBound(const Problem& problem, const std::vector<double>& cuts, double value,
                  const BoundOptions& options = {});

/// Gives `schedule` its upper bound: on every schedule of `situation` that keeps the floor, or,
/// where `schedule` itself does not, on every schedule at all. A situation that Prepare refuses is
/// left without.
void Certify(const Situation& situation, Schedule* schedule, const BoundOptions& options = {});

}  // namespace ekya::schedule
