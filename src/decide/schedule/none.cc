#include "decide/schedule/none.h"

#include "decide/schedule/exact.h"

namespace ekya::schedule {
namespace {

class None : public Policy {
 public:
  explicit None(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  ProfileNeeds Needs(const std::vector<std::string>&) const override { return {{}, false}; }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(Problem problem, Prepare(situation));
    for (StreamState& state : problem.start) {
      state.running = -1;
      state.retrained = true;
    }
    return MakeSchedule(situation, RunExact(problem), name_);
  }

 private:
  const std::string name_;
};

}  // namespace

Result<std::unique_ptr<Policy>> MakeNone(Options options) {
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new None(options.specification()));
}

}  // namespace ekya::schedule
