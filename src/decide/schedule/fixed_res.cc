#include "decide/schedule/fixed_res.h"

#include "decide/schedule/uniform.h"

namespace ekya::schedule {
namespace {

class FixedRes : public Policy {
 public:
  FixedRes(std::string name, FixedResOptions options) : name_(std::move(name)), options_(options) {}

  std::string name() const override { return name_; }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation));
    std::vector<int> chosen(problem.count(), -1);
    for (int s = 0; s < problem.count(); ++s) {
      const StreamChoices& stream = problem.streams[s];
      const double accuracy = problem.start[s].accuracy;
      const UniformShare share = EqualShare(problem, s, options_.share);
      // Without a retraining, its share serves.
      double best = EstimatedWorth(problem, stream, accuracy, problem.window,
                                   share.inference + share.retraining, -1, 0, 0);
      for (const int retraining : stream.efficient) {
        const double worth =
            EstimatedWorth(problem, stream, accuracy, problem.window, share.inference, retraining,
                           share.retraining, stream.retrainings[retraining].device_seconds);
        if (worth <= best) continue;
        best = worth;
        chosen[s] = retraining;
      }
    }
    return MakeSchedule(situation, RunUniform(problem, options_.share, chosen), name_);
  }

 private:
  const std::string name_;
  const FixedResOptions options_;
};

}  // namespace

Result<std::unique_ptr<Policy>> MakeFixedRes(Options options) {
  FixedResOptions fixed;
  options.Read("share", &fixed.share, 0, 1);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new FixedRes(options.specification(), fixed));
}

}  // namespace ekya::schedule
