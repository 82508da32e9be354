#include "decide/schedule/planner.h"

#include <algorithm>

#include "decide/schedule/bound.h"
#include "decide/schedule/exact.h"
#include "decide/schedule/fluid.h"

namespace ekya::schedule {
namespace {

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
    Quanta budget = ended < plan.quanta.size() ? plan.quanta[ended] : problem.capacity();
    Quanta used = 0;
    for (std::size_t i = 0; i < plan.order.size(); ++i) {
      if (done[i]) continue;
      Share& share = shares[plan.order[i].stream];
      share.retraining = plan.order[i].retraining;
      share.retraining_quanta = std::min(budget, problem.per_device);
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

/// Local search over plans by their fluid value.
class Search {
 public:
  explicit Search(const Problem& problem) : problem_(problem), fluid_(problem) {}

  Plan Run() {
    Plan plan;
    double value = fluid_.Value(plan);
    bool better = true;
    while (better) {
      better = Insert(&plan, &value);
      better = Change(&plan, &value) || better;
      better = Move(&plan, &value) || better;
    }
    fluid_.Value(plan, &plan.quanta);
    if (!plan.order.empty()) Tune(&plan);
    return plan;
  }

 private:
  std::vector<int> Candidates(int s) const {
    if (problem_.start[s].running >= 0) return {problem_.start[s].running};
    if (problem_.start[s].retrained) return {};
    return problem_.streams[s].efficient;
  }

  bool Accept(const Plan& plan, double* value) {
    const double now = fluid_.Value(plan);
    if (now <= *value + 1e-9 * problem_.window) return false;
    *value = now;
    return true;
  }

  /// Adds the stream, configuration and place that gain most, as long as one gains.
  bool Insert(Plan* plan, double* value) {
    bool any = false;
    while (true) {
      Plan best = *plan;
      double best_value = *value;
      for (int s = 0; s < problem_.count(); ++s) {
        const bool planned = std::any_of(plan->order.begin(), plan->order.end(),
                                         [&](const auto& job) { return job.stream == s; });
        if (planned) continue;
        for (const int retraining : Candidates(s)) {
          for (std::size_t at = 0; at <= plan->order.size(); ++at) {
            Plan next = *plan;
            next.order.insert(next.order.begin() + at, {s, retraining});
            if (Accept(next, &best_value)) best = std::move(next);
          }
        }
      }
      if (best.order.size() == plan->order.size()) return any;
      *plan = std::move(best);
      *value = best_value;
      any = true;
    }
  }

  /// Other configurations, other streams in a place, and none.
  bool Change(Plan* plan, double* value) {
    bool any = false;
    for (std::size_t at = 0; at < plan->order.size(); ++at) {
      for (int s = 0; s < problem_.count(); ++s) {
        const bool elsewhere = std::any_of(
            plan->order.begin(), plan->order.end(),
            [&](const auto& job) { return job.stream == s && &job != &plan->order[at]; });
        if (elsewhere) continue;
        for (const int retraining : Candidates(s)) {
          Plan next = *plan;
          next.order[at] = {s, retraining};
          if (!Accept(next, value)) continue;
          *plan = std::move(next);
          any = true;
        }
      }
      Plan next = *plan;
      next.order.erase(next.order.begin() + at);
      if (!Accept(next, value)) continue;
      *plan = std::move(next);
      any = true;
      --at;
    }
    return any;
  }

  bool Move(Plan* plan, double* value) {
    bool any = false;
    for (std::size_t from = 0; from < plan->order.size(); ++from) {
      for (std::size_t to = 0; to < plan->order.size(); ++to) {
        if (from == to) continue;
        Plan next = *plan;
        const PlannedRetraining job = next.order[from];
        next.order.erase(next.order.begin() + from);
        next.order.insert(next.order.begin() + to, job);
        if (!Accept(next, value)) continue;
        *plan = std::move(next);
        any = true;
      }
    }
    return any;
  }

  /// Quanta of each stretch, up and down.
  void Tune(Plan* plan) {
    double value = fluid_.Value(*plan);
    for (bool better = true; better;) {
      better = false;
      for (Quanta& quanta : plan->quanta) {
        for (const Quanta step : {problem_.per_device, -problem_.per_device, 4, -4, 1, -1}) {
          const Quanta before = quanta;
          quanta = std::clamp(quanta + step, 1, problem_.capacity());
          if (quanta != before && Accept(*plan, &value)) {
            better = true;
          } else {
            quanta = before;
          }
        }
      }
    }
  }

  const Problem& problem_;
  Fluid fluid_;
};

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
  const Plan plan = Search(problem).Run();
  Course planned = Realise(problem, plan);
  return planned.worth() > best.worth() ? planned : best;
}

Result<std::unique_ptr<Policy>> MakePlanner(Options options) {
  PlannerOptions planner;
  options.Read("risk", &planner.risk, 0, 10);
  options.Read("bound", &planner.bound);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new Planner(options.specification(), planner));
}

}  // namespace ekya::schedule
