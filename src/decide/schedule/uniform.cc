#include "decide/schedule/uniform.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace ekya::schedule {
namespace {

/// Index of the configuration that `name` means for `stream`; -1 where it has none such.
int Find(const StreamSituation& stream, const std::string& name) {
  const int count = static_cast<int>(stream.retraining.size());
  if (name.empty()) {
    int costliest = -1;
    for (int i = 0; i < count; ++i) {
      if (costliest < 0 ||
          stream.retraining[i].device_seconds > stream.retraining[costliest].device_seconds) {
        costliest = i;
      }
    }
    return costliest;
  }
  for (int i = 0; i < count; ++i) {
    if (stream.retraining[i].id == name) return i;
  }
  int index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool number = error == std::errc{} && end == name.data() + name.size();
  // Who is shown what Needs asked for, and no more, has it in the first place.
  if (number && count == 1) return 0;
  return number && index >= 0 && index < count ? index : -1;
}

class Uniform : public Policy {
 public:
  Uniform(std::string name, UniformOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}

  std::string name() const override { return name_; }

  /// Costs alone: what a fixed configuration gains is not asked.
  ProfileNeeds Needs(const std::vector<std::string>& candidates) const override {
    return FixedConfigurationNeeds(options_.config, candidates, /*accuracy=*/false);
  }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation));
    EKYA_ASSIGN(const std::vector<int> chosen,
                FindConfiguration(situation, problem, options_.config, name_));
    return MakeSchedule(situation, RunUniform(problem, options_.share, chosen), name_);
  }

 private:
  const std::string name_;
  const UniformOptions options_;
};

}  // namespace

Result<std::vector<int>> FindConfiguration(const Situation& situation, const Problem& problem,
                                           const std::string& name, const std::string& policy) {
  std::vector<int> chosen;
  bool found = false;
  std::set<std::string> known;
  for (const StreamChoices& stream : problem.streams) {
    const StreamSituation& from = situation.streams[stream.index];
    chosen.push_back(Find(from, name));
    found = found || chosen.back() >= 0;
    for (const RetrainingProfile& profile : from.retraining) known.insert(profile.id);
  }
  if (found || known.empty()) return chosen;
  return Error{ErrorCode::kInvalid,
               fmt::format("scheduler {}: config: found \"{}\", expected an index or one of {}",
                           policy, name, fmt::join(known, ", "))};
}

ProfileNeeds FixedConfigurationNeeds(const std::string& name,
                                     const std::vector<std::string>& candidates, bool accuracy) {
  if (name.empty()) return {candidates, accuracy};
  StreamSituation all;
  for (const std::string& id : candidates) all.retraining.push_back({id, 0, 0, 0});
  const int chosen = Find(all, name);
  if (chosen < 0) return {{}, false};
  return {{candidates[chosen]}, accuracy};
}

UniformShare EqualShare(const Problem& problem, int stream, double share) {
  const Quanta count = problem.count();
  const Quanta quanta = problem.capacity() / count + (stream < problem.capacity() % count ? 1 : 0);
  // One quantum cannot be split: serving comes first.
  const Quanta inference =
      std::min(quanta, std::max(1, static_cast<Quanta>(std::lround(share * quanta))));
  return {inference, quanta - inference};
}

Course RunUniform(const Problem& problem, double share, const std::vector<int>& chosen) {
  Course course(problem);
  while (!course.over()) {
    std::vector<Share> shares(problem.count());
    for (int s = 0; s < problem.count(); ++s) {
      const StreamState& state = course.states()[s];
      const UniformShare equal = EqualShare(problem, s, share);
      const int retraining = state.running >= 0 ? state.running : chosen[s];
      if (state.retrained || retraining < 0 || equal.retraining == 0) {
        shares[s].inference = equal.inference + equal.retraining;
        shares[s].retraining = state.running;
      } else {
        shares[s] = {equal.inference, 0, retraining, equal.retraining, 0};
      }
    }
    Place(problem, course.states(), &shares, /*fill=*/false);
    course.Run(shares);
  }
  return course;
}

Result<std::unique_ptr<Policy>> MakeUniform(Options options) {
  UniformOptions uniform;
  options.Read("config", &uniform.config);
  options.Read("share", &uniform.share, 0, 1);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new Uniform(options.specification(), uniform));
}

}  // namespace ekya::schedule
