#pragma once

#include <vector>

#include "core/schedule.h"
#include "core/situation.h"
#include "decide/schedule/estimate.h"
#include "decide/schedule/fluid.h"

namespace ekya::schedule {

/// How much effort goes into a bound.
struct BoundOptions {
  int slots = 40;        ///< Into which the window is cut, besides the cuts given.
  int iterations = 200;  ///< Of the search for prices; each gives a valid bound.
};

/// Compute at a price, and what the streams then want.
struct Relaxation {
  /// No schedule's sum over streams of accuracy times seconds exceeds this.
  double bound = 0;
  std::vector<double> ends;    ///< Of the slots in which prices are constant, in seconds.
  std::vector<double> prices;  ///< By slot, per quantum and second.
  /// The retrainings that streams choose at these prices, by their ends: a guide for a plan.
  std::vector<PlannedRetraining> order;
};

/// Prices compute, constant in each slot of time, has every stream answer with its best plan at
/// these prices, and moves the prices to where the sum is least (Lagrangian relaxation). Whatever
/// the prices, that sum bounds every schedule of `problem`, with shares that change at any time;
/// placement is left out (proof in docs/scheduling.md). `cuts` are times at which prices may
/// change, such as the completions of a good plan; `value` is what is known to be reachable, which
/// sets the length of the steps. `problem` is prepared without risk; its floors bind where it says
/// that they are feasible and are left out where not.
Relaxation Relax(const Problem& problem, const std::vector<double>& cuts, double value,
                 const BoundOptions& options = {});

/// Gives `schedule` its upper bound: on every schedule of `situation` that keeps the floor, or,
/// where `schedule` itself does not, on every schedule at all. A situation that Prepare refuses is
/// left without.
void Certify(const Situation& situation, Schedule* schedule, const BoundOptions& options = {});

}  // namespace ekya::schedule
