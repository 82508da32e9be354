#include "decide/schedule/plan_search.h"

#include <algorithm>

namespace ekya::schedule {
namespace {

/// Plans up to this length are searched in full; longer ones near where gain per work would put a
/// job.
constexpr std::size_t kShortPlan = 14;
constexpr std::size_t kNear = 2;

}  // namespace

PlanSearch::PlanSearch(const Problem& problem, std::int64_t most_steps)
    : problem_(problem), most_steps_(most_steps), fluid_(problem) {}

std::vector<int> PlanSearch::Candidates(int stream) const {
  const StreamState& state = problem_.start[stream];
  if (state.running >= 0) return {state.running};
  if (state.retrained) return {};
  return problem_.streams[stream].efficient;
}

double PlanSearch::Work(const PlannedRetraining& job) const {
  const StreamState& state = problem_.start[job.stream];
  return state.running >= 0
             ? state.work_left
             : problem_.streams[job.stream].retrainings[job.retraining].device_seconds;
}

double PlanSearch::Density(const PlannedRetraining& job) const {
  const double gain = problem_.streams[job.stream].retrainings[job.retraining].accuracy -
                      problem_.start[job.stream].accuracy;
  return problem_.streams[job.stream].weight * gain / std::max(Work(job), 1e-9);
}

bool PlanSearch::Better() {
  const double value = fluid_.Value(plan_);
  if (value <= value_ + 1e-9 * problem_.window) return false;
  value_ = value;
  return true;
}

Plan PlanSearch::Improve(std::vector<PlannedRetraining> order, Quanta most) {
  last_step_ = fluid_.steps() + most_steps_;
  plan_ = Plan{std::move(order), {}, most};
  planned_.assign(problem_.count(), 0);
  for (const PlannedRetraining& job : plan_.order) planned_[job.stream] = 1;
  value_ = fluid_.Value(plan_);
  for (bool better = true; better && !Exhausted();) {
    better = problem_.count() <= static_cast<int>(kShortPlan) ? InsertBest() : InsertEach();
    better = Change() || better;
    better = Move() || better;
  }
  std::vector<Quanta> quanta;
  value_ = fluid_.Value(plan_, &quanta);
  plan_.quanta = std::move(quanta);
  last_step_ += most_steps_ / 4;
  Tune();
  return plan_;
}

bool PlanSearch::FindInsertion(int stream, double* value, PlannedRetraining* job,
                               std::size_t* place) {
  bool found = false;
  for (const int retraining : Candidates(stream)) {
    if (Exhausted()) break;
    const PlannedRetraining tried{stream, retraining};
    std::size_t from = 0;
    std::size_t to = plan_.order.size();
    if (to > kShortPlan) {
      const double density = Density(tried);
      std::size_t rank = 0;
      while (rank < to && Density(plan_.order[rank]) >= density) ++rank;
      from = rank > kNear ? rank - kNear : 0;
      to = std::min(to, rank + kNear);
    }
    plan_.order.insert(plan_.order.begin() + from, tried);
    for (std::size_t at = from;; ++at) {
      const double now = fluid_.Value(plan_);
      if (now > *value + 1e-9 * problem_.window) {
        *value = now;
        *job = tried;
        *place = at;
        found = true;
      }
      if (at == to) {
        plan_.order.erase(plan_.order.begin() + at);
        break;
      }
      std::swap(plan_.order[at], plan_.order[at + 1]);
    }
  }
  return found;
}

bool PlanSearch::InsertBest() {
  bool any = false;
  while (true) {
    PlannedRetraining job;
    std::size_t place = 0;
    bool found = false;
    for (int s = 0; s < problem_.count(); ++s) {
      if (!planned_[s]) found = FindInsertion(s, &value_, &job, &place) || found;
    }
    if (!found) return any;
    plan_.order.insert(plan_.order.begin() + place, job);
    planned_[job.stream] = 1;
    any = true;
  }
}

bool PlanSearch::InsertEach() {
  bool any = false;
  for (int s = 0; s < problem_.count() && !Exhausted(); ++s) {
    PlannedRetraining job;
    std::size_t place = 0;
    if (planned_[s] || !FindInsertion(s, &value_, &job, &place)) continue;
    plan_.order.insert(plan_.order.begin() + place, job);
    planned_[s] = 1;
    any = true;
  }
  return any;
}

bool PlanSearch::Change() {
  bool any = false;
  const bool others = plan_.order.size() <= kShortPlan;
  for (std::size_t at = 0; at < plan_.order.size() && !Exhausted(); ++at) {
    for (int s = 0; s < problem_.count(); ++s) {
      const int own = plan_.order[at].stream;
      if (s != own && (planned_[s] || !others)) continue;
      for (const int retraining : Candidates(s)) {
        const PlannedRetraining kept = plan_.order[at];
        if (s == kept.stream && retraining == kept.retraining) continue;
        plan_.order[at] = {s, retraining};
        if (Better()) {
          planned_[kept.stream] = 0;
          planned_[s] = 1;
          any = true;
        } else {
          plan_.order[at] = kept;
        }
      }
    }
    const PlannedRetraining kept = plan_.order[at];
    plan_.order.erase(plan_.order.begin() + at);
    if (Better()) {
      planned_[kept.stream] = 0;
      any = true;
      --at;
    } else {
      plan_.order.insert(plan_.order.begin() + at, kept);
    }
  }
  return any;
}

bool PlanSearch::Move() {
  bool any = false;
  const std::size_t count = plan_.order.size();
  const std::size_t reach = count <= kShortPlan ? count : kNear + 1;
  const auto shift = [&](std::size_t from, std::size_t to) {
    const auto begin = plan_.order.begin();
    if (from < to) {
      std::rotate(begin + from, begin + from + 1, begin + to + 1);
    } else {
      std::rotate(begin + to, begin + from, begin + from + 1);
    }
  };
  for (std::size_t from = 0; from < count && !Exhausted(); ++from) {
    const std::size_t low = from > reach ? from - reach : 0;
    for (std::size_t to = low; to < std::min(count, from + reach + 1); ++to) {
      if (from == to) continue;
      shift(from, to);
      if (Better()) {
        any = true;
      } else {
        shift(to, from);
      }
    }
  }
  return any;
}

void PlanSearch::Tune() {
  for (bool better = true; better && !Exhausted();) {
    better = false;
    for (std::size_t i = 0; i < plan_.quanta.size() && !Exhausted(); ++i) {
      for (const Quanta step : {problem_.per_device, -problem_.per_device, 4, -4, 1, -1}) {
        const Quanta before = plan_.quanta[i];
        const Quanta after = std::clamp(before + step, 1, problem_.capacity());
        if (after == before) continue;
        plan_.quanta[i] = after;
        if (Better()) {
          better = true;
        } else {
          plan_.quanta[i] = before;
        }
      }
    }
  }
}

}  // namespace ekya::schedule
