#include "decide/schedule/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "decide/schedule/exact.h"
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
    {"none", "never retrains", MakeNone},
};

}  // namespace

Result<std::unique_ptr<Policy>> MakePolicy(const std::string& specification) {
  EKYA_ASSIGN(Options options, Options::Parse(specification));
  std::vector<std::string> known;
  for (const Entry& entry : kPolicies) {
    if (options.name() == entry.name) return entry.make(std::move(options));
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
