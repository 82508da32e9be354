#pragma once

#include <memory>
#include <vector>

#include "decide/schedule/estimate.h"
#include "decide/schedule/options.h"
#include "decide/schedule/placement.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/timeline.h"

namespace ekya::schedule {

/// The best that one stream can make of a number of quanta that it keeps for the time left.
struct Offer {
  Quanta quanta = 0;
  double worth = 0;  ///< Mean worth times seconds.
  Quanta inference = 0;
  int retraining = -1;  ///< Index in `StreamChoices::retrainings`.
  Quanta retraining_quanta = 0;
};

/// All offers worth their quanta, quanta and worth rising strictly from an offer of no quanta. With
/// constant shares the objective separates by stream, so this is all that the others need to know.
std::vector<Offer> Offers(const Problem& problem, const StreamChoices& stream,
                          const StreamState& state, double seconds);

/// The best constant shares by dynamic programming over streams and quanta, placement left out:
/// O(streams * capacity * offers) time, O(streams * capacity) memory.
struct StaticSolution {
  double worth = 0;  ///< Summed over the streams.
  std::vector<Share> shares;
};
StaticSolution SolveStatic(const Problem& problem, const std::vector<StreamState>& states,
                           double seconds);

/// The optimum of constant shares, placed, and decided again in its expected timeline whenever a
/// retraining ends.
struct ExactOptions {
  double risk = 0;  ///< Standard deviations taken off an estimate's accuracy.
};

/// What all streams together gain when each has all the compute that it can use: no schedule does
/// better.
double UnlimitedWorth(const Problem& problem);

/// The best course that deciding so gives, whether or not it decides again, and on fewer devices
/// too (up to 32), so that more compute is never worse. `static_worth`, if given, receives the
/// static optimum's.
Course RunExact(const Problem& problem, double* static_worth = nullptr);

Result<std::unique_ptr<Policy>> MakeExact(Options options);

}  // namespace ekya::schedule
