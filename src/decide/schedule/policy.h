#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::schedule {

/// What a policy reads of a stream's retraining profiles.
struct ProfileNeeds {
  /// Ids of the configurations whose profiles Decide reads; it is then shown these alone. Empty:
  /// the policy never retrains, and nothing needs labels or trials.
  std::vector<std::string> configurations;
  /// Whether it reads their accuracy. If not, device seconds measured once are enough and no trial
  /// is run for what earlier retraining has measured already.
  bool accuracy = true;
};

/// One way to decide. Free of clocks, files and threads: the same situation gives the same schedule
/// (but for `solve_microseconds`). One object may be used from one thread at a time.
class Policy {
 public:
  virtual ~Policy() = default;

  /// As given to MakePolicy.
  virtual std::string name() const = 0;
  /// What Decide reads, given the ids of all candidate configurations in order. Default: all.
  virtual ProfileNeeds Needs(const std::vector<std::string>& candidates) const {
    return {candidates, true};
  }
  /// A schedule for what is left of the window. Called at the window's start and again at every
  /// event, with what runs then in `StreamSituation::running`. kInvalid where the situation makes
  /// no sense to this policy; a floor that cannot be met is not an error (`floor_feasible`).
  virtual Result<Schedule> Decide(const Situation& situation) = 0;
};

/// Makes the policy that `specification` names, with options after a colon:
/// "thief", "exact", "uniform:config=2,share=0.5". Errors name the known policies or options.
Result<std::unique_ptr<Policy>> MakePolicy(const std::string& specification);

/// Splits "thief,uniform:config=2,share=0.5" at the commas that begin another policy: what follows
/// a comma is an option where it has a '=' and no ':' before it.
std::vector<std::string> SplitSpecifications(const std::string& list);

/// Every policy's name with one line on what it does, in the order of the table in policy.cc.
struct PolicyDescription {
  std::string name;
  std::string summary;
};
std::vector<PolicyDescription> KnownPolicies();

}  // namespace ekya::schedule
