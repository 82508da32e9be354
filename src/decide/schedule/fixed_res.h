#pragma once

#include <memory>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"

namespace ekya::schedule {

/// The paper's ablation FixedRes (section 6.3): the shares of `uniform`, and for each stream the
/// retraining configuration that its profile makes the best with these shares.
struct FixedResOptions {
  double share = 0.5;  ///< Part of a stream's quanta that inference has.
};

Result<std::unique_ptr<Policy>> MakeFixedRes(Options options);

}  // namespace ekya::schedule
