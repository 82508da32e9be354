#include "decide/schedule/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/clock.h"
#include "decide/schedule/exact.h"
#include "decide/schedule/explanation.h"
#include "decide/schedule/fixed_config.h"
#include "decide/schedule/fixed_res.h"
#include "decide/schedule/none.h"
#include "decide/schedule/options.h"
#include "decide/schedule/planner.h"
#include "decide/schedule/thief.h"
#include "decide/schedule/uniform.h"

namespace ekya::schedule {
namespace {

struct Entry {
  const char* name;
  const char* summary;
  Result<std::unique_ptr<Policy>> (*make)(Options options);
};

/// A new policy is a file pair and a line here.
constexpr Entry kPolicies[] = {
    {"thief",
     "steals quanta from job to job while the estimate rises, as the paper does (delta, risk)",
     MakeThief},
    {"exact", "the best constant shares, decided again whenever a retraining ends (risk)",
     MakeExact},
    {"planner", "plans the whole window: what, when, how much; with an upper bound (risk, bound)",
     MakePlanner},
    {"uniform", "the same shares and retraining configuration for every stream (config, share)",
     MakeUniform},
    {"fixed-res", "equal shares, each stream's best retraining configuration (share)",
     MakeFixedRes},
    {"fixed-config", "thief's shares, one retraining configuration for all (config, delta)",
     MakeFixedConfig},
    {"none", "never retrains", MakeNone},
};

/// What all policies have in common: schedules explain themselves and say what they took.
class Explained : public Policy {
 public:
  explicit Explained(std::unique_ptr<Policy> policy) : policy_(std::move(policy)) {}

  std::string name() const override { return policy_->name(); }
  ProfileNeeds Needs(const std::vector<std::string>& candidates) const override {
    return policy_->Needs(candidates);
  }
  Result<Schedule> Decide(const Situation& situation) override {
    const double start = MonotonicClock().Now();
    EKYA_ASSIGN(Schedule schedule, policy_->Decide(situation));
    Explain(situation, &schedule);
    schedule.solve_microseconds = 1e6 * (MonotonicClock().Now() - start);
    return schedule;
  }

 private:
  const std::unique_ptr<Policy> policy_;
};

}  // namespace

Result<std::unique_ptr<Policy>> MakePolicy(const std::string& specification) {
  EKYA_ASSIGN(Options options, Options::Parse(specification));
  std::vector<std::string> known;
  for (const Entry& entry : kPolicies) {
    if (options.name() == entry.name) {
      EKYA_ASSIGN(auto policy, entry.make(std::move(options)));
      return std::unique_ptr<Policy>(new Explained(std::move(policy)));
    }
    known.push_back(entry.name);
  }
  return Error{ErrorCode::kInvalid, fmt::format("unknown scheduler {}, expected one of {}",
                                                options.name(), fmt::join(known, ", "))};
}

std::vector<PolicyDescription> KnownPolicies() {
  std::vector<PolicyDescription> known;
  for (const Entry& entry : kPolicies) known.push_back({entry.name, entry.summary});
  return known;
}

std::vector<std::string> SplitSpecifications(const std::string& list) {
  std::vector<std::string> schedulers;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string part = list.substr(begin, end - begin);
    const std::size_t equals = part.find('=');
    const bool option = equals != std::string::npos && part.find(':') > equals;
    if (option && !schedulers.empty()) {
      schedulers.back() += "," + part;
    } else {
      schedulers.push_back(part);
    }
    begin = end + 1;
  }
  return schedulers;
}

}  // namespace ekya::schedule
