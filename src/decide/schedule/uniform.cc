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
    if (options_.config.empty()) return {candidates, false};
    StreamSituation all;
    for (const std::string& id : candidates) all.retraining.push_back({id, 0, 0, 0});
    const int chosen = Find(all, options_.config);
    if (chosen < 0) return {{}, false};
    return {{candidates[chosen]}, false};
  }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation));
    std::vector<int> chosen;
    bool found = false;
    std::set<std::string> known;
    for (const StreamChoices& stream : problem.streams) {
      const StreamSituation& from = situation.streams[stream.index];
      chosen.push_back(Find(from, options_.config));
      found = found || chosen.back() >= 0;
      for (const RetrainingProfile& profile : from.retraining) known.insert(profile.id);
    }
    if (!found && !known.empty()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("scheduler {}: config: found \"{}\", expected an index or one of {}",
                               name_, options_.config, fmt::join(known, ", "))};
    }
    return MakeSchedule(situation, RunUniform(problem, options_.share, chosen), name_);
  }

 private:
  const std::string name_;
  const UniformOptions options_;
};

}  // namespace

Course RunUniform(const Problem& problem, double share, const std::vector<int>& chosen) {
  Course course(problem);
  const Quanta count = problem.count();
  while (!course.over()) {
    std::vector<Share> shares(count);
    for (int s = 0; s < count; ++s) {
      const StreamState& state = course.states()[s];
      const Quanta quanta = problem.capacity() / count + (s < problem.capacity() % count ? 1 : 0);
      // One quantum cannot be split: serving comes first.
      shares[s].inference =
          std::min(quanta, std::max(1, static_cast<Quanta>(std::lround(share * quanta))));
      shares[s].retraining = state.running >= 0 ? state.running : chosen[s];
      shares[s].retraining_quanta = quanta - shares[s].inference;
      if (!state.retrained && shares[s].retraining >= 0 && shares[s].retraining_quanta > 0) {
        continue;
      }
      if (state.retrained) shares[s].retraining = -1;
      shares[s].retraining_quanta = 0;
      shares[s].inference = quanta;
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
