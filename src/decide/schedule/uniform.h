#pragma once

#include <memory>
#include <string>

#include "decide/schedule/options.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/timeline.h"

namespace ekya::schedule {

/// The paper's baseline (section 6.1): every stream has the same quanta, split between inference
/// and retraining in one fixed proportion, and the same retraining configuration. When its
/// retraining ends, its inference has both shares.
struct UniformOptions {
  /// Id of the retraining configuration, or its place in the list from 0. Empty: each stream's most
  /// expensive one. A stream that does not have it is not retrained.
  std::string config;
  double share = 0.5;  ///< Part of a stream's quanta that inference has.
};

/// The course of equal shares with retraining number `chosen[s]` (-1: none) for stream s of the
/// problem.
Course RunUniform(const Problem& problem, double share, const std::vector<int>& chosen);

Result<std::unique_ptr<Policy>> MakeUniform(Options options);

}  // namespace ekya::schedule
