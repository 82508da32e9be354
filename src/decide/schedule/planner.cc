#include "decide/schedule/planner.h"

#include <algorithm>
#include <cmath>

#include "decide/schedule/bound.h"
#include "decide/schedule/exact.h"
#include "decide/schedule/fluid.h"
#include "decide/schedule/plan_search.h"
#include "decide/schedule/thief.h"

namespace ekya::schedule {
namespace {

/// Steps of the search for each stream.
constexpr std::int64_t kStepsPerStream = 1'000'000;
/// Up to so many streams, the search also starts from nothing.
constexpr int kFewStreams = 16;
/// Plays that tuning one plan may cost.
constexpr int kMostRealisations = 100;
/// Up to so many streams, the thief's course is a candidate too.
constexpr int kFewForThief = 64;
/// Up to so many devices, fewer are looked at where more may be a loss.
constexpr int kMostDevicesPlanned = 32;
constexpr BoundOptions kFirstBound = {.slots = 25, .iterations = 60};

/// The best inference for `capacity` quanta, by dynamic programming as in SolveStatic.
void ServeBest(const Problem& problem, const std::vector<StreamState>& states, Quanta capacity,
               std::vector<Share>* shares) {
  const int count = problem.count();
  const std::size_t width = static_cast<std::size_t>(capacity) + 1;
  std::vector<double> best((count + 1) * width);
  for (int s = 0; s < count; ++s) {
    const double* before = &best[s * width];
    double* after = &best[(s + 1) * width];
    const StreamChoices& stream = problem.streams[s];
    const double none = problem.Worth(stream, states[s].accuracy, stream.levels[0]);
    for (std::size_t c = 0; c < width; ++c) after[c] = before[c] + none;
    for (std::size_t i = 1; i < stream.levels.size(); ++i) {
      const std::size_t quanta = stream.levels[i].quanta;
      const double worth = problem.Worth(stream, states[s].accuracy, stream.levels[i]);
      for (std::size_t c = quanta; c < width; ++c) {
        const double sum = before[c - quanta] + worth;
        after[c] = after[c] < sum ? sum : after[c];
      }
    }
  }
  std::size_t c = width - 1;
  for (int s = count; s-- > 0;) {
    const StreamChoices& stream = problem.streams[s];
    for (const Level& level : stream.levels) {
      const std::size_t quanta = level.quanta;
      const double worth = problem.Worth(stream, states[s].accuracy, level);
      if (quanta > c || best[(s + 1) * width + c] != best[s * width + c - quanta] + worth) continue;
      (*shares)[s].inference = level.quanta;
      c -= quanta;
      break;
    }
  }
}

/// Places and plays a plan.
Course Realise(const Problem& problem, const Plan& plan) {
  Course course(problem);
  std::vector<bool> done(plan.order.size(), false);
  std::size_t ended = 0;
  while (!course.over()) {
    std::vector<Share> shares(problem.count());
    Quanta budget = 0;
    if (!plan.quanta.empty()) budget = plan.quanta[std::min(ended, plan.quanta.size() - 1)];
    Quanta used = 0;
    for (std::size_t i = 0; i < plan.order.size(); ++i) {
      if (done[i]) continue;
      Share& share = shares[plan.order[i].stream];
      share.retraining = plan.order[i].retraining;
      share.retraining_quanta = std::min(budget, plan.Most(problem.per_device));
      budget -= share.retraining_quanta;
      used += share.retraining_quanta;
    }
    ServeBest(problem, course.states(), problem.capacity() - used, &shares);
    Place(problem, course.states(), &shares);
    for (const int s : course.Run(shares)) {
      ++ended;
      for (std::size_t i = 0; i < plan.order.size(); ++i) {
        if (plan.order[i].stream == s) done[i] = true;
      }
    }
  }
  return course;
}

/// Realises a plan; where placement loses more than a little of its fluid value, with the quanta of
/// each stretch tuned to what can be placed.
Course RealiseTuned(const Problem& problem, Plan plan, Fluid* fluid) {
  Course best = Realise(problem, plan);
  const double value = fluid->Value(plan);
  const auto loses = [&] { return best.worth() < value - 1e-4 * std::abs(value); };
  int budget = kMostRealisations;
  for (bool better = true; better && loses();) {
    better = false;
    for (std::size_t i = 0; i < plan.quanta.size(); ++i) {
      for (const Quanta step : {-1, 1, -3, 3}) {
        const Quanta before = plan.quanta[i];
        plan.quanta[i] = std::clamp(before + step, 0, problem.capacity());
        if (plan.quanta[i] == before) continue;
        if (--budget < 0) return best;
        Course course = Realise(problem, plan);
        if (course.worth() > best.worth() + 1e-9 * problem.window) {
          best = std::move(course);
          better = true;
        } else {
          plan.quanta[i] = before;
        }
      }
    }
  }
  return best;
}

bool AnyCurve(const Problem& problem) {
  for (const StreamChoices& stream : problem.streams) {
    for (Quanta quanta = 1; quanta < problem.per_device; ++quanta) {
      if (stream.speed[quanta] * problem.per_device > quanta * (1 + 1e-9)) return true;
    }
  }
  return false;
}

class Planner : public Policy {
 public:
  Planner(std::string name, PlannerOptions options) : name_(std::move(name)), options_(options) {}

  std::string name() const override { return name_; }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation, options_.risk));
    Schedule schedule = MakeSchedule(situation, RunPlanner(problem), name_);
    if (options_.bound) Certify(situation, &schedule);
    return schedule;
  }

 private:
  const std::string name_;
  const PlannerOptions options_;
};

}  // namespace

Course RunPlanner(const Problem& problem) {
  Course best = RunExact(problem);
  const double unlimited = UnlimitedWorth(problem) * (1 - 1e-12);
  if (best.worth() >= unlimited) return best;
  const auto keep = [&](Course course) {
    if (course.worth() > best.worth()) best = std::move(course);
  };
  if (problem.count() <= kFewForThief) keep(RunThief(problem, {}));
  Fluid fluid(problem);
  PlanSearch search(problem, kStepsPerStream * problem.count());
  if (problem.count() <= kFewStreams) keep(RealiseTuned(problem, search.Improve({}), &fluid));
  // Where small shares do more work per quantum, several retrainings side by side do more together.
  if (AnyCurve(problem)) {
    for (Quanta most = problem.per_device / 2; most > 0; most /= 2) {
      keep(RealiseTuned(problem, search.Improve({}, most), &fluid));
    }
  }
  const Relaxation relaxed = Relax(problem, {}, best.worth(), kFirstBound);
  keep(RealiseTuned(problem, search.Improve(relaxed.order), &fluid));

  // A device more must not be a loss. Mostly the bound on what fewer reach proves that it is none.
  if (problem.devices == 1 || problem.devices > kMostDevicesPlanned || best.worth() >= unlimited) {
    return best;
  }
  const std::optional<Problem> fewer = OnFewerDevices(problem, problem.devices - 1);
  if (!fewer || Relax(*fewer, {}, best.worth(), kFirstBound).bound <= best.worth()) return best;
  Course course = RunPlanner(*fewer);
  course.Adopt(problem);
  keep(std::move(course));
  return best;
}

Result<std::unique_ptr<Policy>> MakePlanner(Options options) {
  PlannerOptions planner;
  options.Read("risk", &planner.risk, 0, 10);
  options.Read("bound", &planner.bound);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new Planner(options.specification(), planner));
}

}  // namespace ekya::schedule
