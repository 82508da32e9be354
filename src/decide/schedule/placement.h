#pragma once

#include <vector>

#include "decide/schedule/estimate.h"

namespace ekya::schedule {

/// What one stream has until the next event.
struct Share {
  Quanta inference = 0;
  int inference_device = 0;
  int retraining = -1;  ///< Index in `StreamChoices::retrainings`; -1: none runs.
  Quanta retraining_quanta = 0;
  int retraining_device = 0;
};

/// Puts every job on one device (paper, section 4.2: fragmentation): retrainings that have started
/// stay where they are, the others go where they fit best, large ones first; inference moves
/// freely. What does not fit is made smaller, retraining before inference below its floor; with
/// `fill`, what is then left of a device goes to the jobs on it. `shares` are wishes when called
/// and what each job gets afterwards; they may ask for more than there is. A retraining that gets
/// nothing and has not started is taken back.
void Place(const Problem& problem, const std::vector<StreamState>& states,
           std::vector<Share>* shares, bool fill = true);

}  // namespace ekya::schedule
