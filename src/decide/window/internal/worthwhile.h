#pragma once

#include <vector>

#include "core/situation.h"
#include "decide/profile/expectation.h"
#include "decide/schedule/policy.h"
#include "decide/window/ports.h"
#include "decide/window/serving.h"

namespace ekya::window {

/// Those of `requests` that are worth what they cost, in their order.
///
/// What a trial brings is the value of knowing more (a knowledge gradient): how likely it is to
/// change the best choice for its stream, and by how much, for the rest of the window and a few to
/// come. What it costs is what a second of preparation costs, by `policy`'s own word: what it makes
/// of `situation` (the window as it would be without a trial) with that second and without, and
/// what `serving` gives meanwhile; times what trials of the stream took so far. Together they take
/// at most `most` of the window.
std::vector<TrialRequest> WorthwhileTrials(const Situation& situation, const ServingPlan& serving,
                                           schedule::Policy& policy,
                                           const profile::Expectation& expectation, double most,
                                           std::vector<TrialRequest> requests);

}  // namespace ekya::window
