#pragma once

#include <memory>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"

namespace ekya::schedule {

/// Never retrains; inference gets the best constant shares.
Result<std::unique_ptr<Policy>> MakeNone(Options options);

}  // namespace ekya::schedule
