#include "decide/schedule/fixed_config.h"

#include "decide/schedule/uniform.h"

namespace ekya::schedule {
namespace {

class FixedConfig : public Policy {
 public:
  FixedConfig(std::string name, FixedConfigOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}

  std::string name() const override { return name_; }

  ProfileNeeds Needs(const std::vector<std::string>& candidates) const override {
    return FixedConfigurationNeeds(options_.config, candidates, /*accuracy=*/true);
  }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(Problem problem, Prepare(situation));
    EKYA_ASSIGN(const std::vector<int> chosen,
                FindConfiguration(situation, problem, options_.config, name_));
    for (int s = 0; s < problem.count(); ++s) {
      StreamChoices& stream = problem.streams[s];
      stream.efficient.clear();
      if (chosen[s] >= 0 && stream.retrainings[chosen[s]].accuracy > problem.start[s].accuracy) {
        stream.efficient.push_back(chosen[s]);
      }
    }
    return MakeSchedule(situation, RunThief(problem, options_.thief), name_);
  }

 private:
  const std::string name_;
  const FixedConfigOptions options_;
};

}  // namespace

Result<std::unique_ptr<Policy>> MakeFixedConfig(Options options) {
  FixedConfigOptions fixed;
  options.Read("config", &fixed.config);
  options.Read("delta", &fixed.thief.delta, 0, 1);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new FixedConfig(options.specification(), std::move(fixed)));
}

}  // namespace ekya::schedule
