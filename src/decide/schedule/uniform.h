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

/// What `name` means in `situation`, by stream of the problem: the number of the retraining
/// configuration, -1 where the stream has none such. kInvalid where no stream has it although some
/// can be retrained; `policy` is named in the message.
Result<std::vector<int>> FindConfiguration(const Situation& situation, const Problem& problem,
                                           const std::string& name, const std::string& policy);

/// The profiles that a policy with one fixed configuration reads: its costs alone, or also what it
/// gains. An empty name means each stream's most expensive one, so all costs.
ProfileNeeds FixedConfigurationNeeds(const std::string& name,
                                     const std::vector<std::string>& candidates, bool accuracy);

/// The quanta of the stream's equal share and how many of them inference has.
struct UniformShare {
  Quanta inference = 0;
  Quanta retraining = 0;
};
UniformShare EqualShare(const Problem& problem, int stream, double share);

/// The course of equal shares with retraining number `chosen[s]` (-1: none) for stream s of the
/// problem.
Course RunUniform(const Problem& problem, double share, const std::vector<int>& chosen);

Result<std::unique_ptr<Policy>> MakeUniform(Options options);

}  // namespace ekya::schedule
