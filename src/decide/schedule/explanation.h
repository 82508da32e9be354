#pragma once

#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::schedule {

/// Says of each stream of `schedule`, which some policy made for `situation`: why it is or is not
/// retrained, what the runner-up was, and what one more quantum would bring and who would have to
/// give it. Gains are those of the paper's estimate with the shares of the moment kept, so that
/// they mean the same for every policy.
void Explain(const Situation& situation, Schedule* schedule);

}  // namespace ekya::schedule
