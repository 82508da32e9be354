#pragma once

#include <memory>
#include <string>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/thief.h"

namespace ekya::schedule {

/// The paper's ablation FixedConfig (section 6.3): the thief's shares, with one retraining
/// configuration for all streams. A stream whose accuracy it does not raise is not retrained.
struct FixedConfigOptions {
  /// As in UniformOptions.
  std::string config;
  ThiefOptions thief;
};

Result<std::unique_ptr<Policy>> MakeFixedConfig(Options options);

}  // namespace ekya::schedule
