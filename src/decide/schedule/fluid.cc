#include "decide/schedule/fluid.h"

#include <algorithm>
#include <limits>

namespace ekya::schedule {

Fluid::Fluid(const Problem& problem) : problem_(problem), after_(problem.count()) {
  for (int s = 0; s < problem.count(); ++s) {
    const StreamChoices& stream = problem.streams[s];
    before_.push_back(MakeHull(s, problem.start[s].accuracy));
    for (const Retraining& retraining : stream.retrainings) {
      after_[s].push_back(MakeHull(s, retraining.accuracy));
    }
    start_worth_ += before_[s].worth;
    start_quanta_ += before_[s].quanta;
    start_.insert(start_.end(), before_[s].increments.begin(), before_[s].increments.end());
  }
  std::stable_sort(start_.begin(), start_.end(),
                   [](const Increment& a, const Increment& b) { return a.slope > b.slope; });
}

Fluid::Hull Fluid::MakeHull(int stream, double accuracy) const {
  const StreamChoices& choices = problem_.streams[stream];
  // Where floors can be kept, levels below them are not there.
  std::size_t first = 0;
  if (problem_.floor_feasible) {
    while (first + 1 < choices.levels.size() &&
           problem_.Worth(choices, accuracy, choices.levels[first]) < -1) {
      ++first;
    }
  }
  Hull hull;
  hull.worth = problem_.Worth(choices, accuracy, choices.levels[first]);
  hull.quanta = choices.levels[first].quanta;
  double worth = hull.worth;
  Quanta quanta = hull.quanta;
  for (std::size_t i = first + 1; i < choices.levels.size(); ++i) {
    const double next = problem_.Worth(choices, accuracy, choices.levels[i]);
    Increment step{(next - worth) / (choices.levels[i].quanta - quanta),
                   choices.levels[i].quanta - quanta, stream};
    while (!hull.increments.empty() && hull.increments.back().slope <= step.slope) {
      const Increment& last = hull.increments.back();
      step.slope =
          (last.slope * last.quanta + step.slope * step.quanta) / (last.quanta + step.quanta);
      step.quanta += last.quanta;
      hull.increments.pop_back();
    }
    hull.increments.push_back(step);
    worth = next;
    quanta = choices.levels[i].quanta;
  }
  while (!hull.increments.empty() && hull.increments.back().slope <= 0) {
    hull.increments.pop_back();
  }
  return hull;
}

void Fluid::Exchange(const Hull& from, const Hull& to, int stream) {
  worth_ += to.worth - from.worth;
  quanta_ += to.quanta - from.quanta;
  scratch_.clear();
  std::size_t next = 0;
  for (const Increment& increment : increments_) {
    if (increment.stream == stream) continue;
    while (next < to.increments.size() && to.increments[next].slope > increment.slope) {
      scratch_.push_back(to.increments[next++]);
    }
    scratch_.push_back(increment);
  }
  while (next < to.increments.size()) scratch_.push_back(to.increments[next++]);
  increments_.swap(scratch_);
  steps_ += static_cast<std::int64_t>(increments_.size());
}

double Fluid::Rate(Quanta quanta) const {
  Quanta left = quanta - quanta_;
  // Not even what must be had: as bad as can be, and worse the more is missing.
  if (left < 0) return -1e3 * problem_.count() * (1 - left);
  double worth = worth_;
  for (const Increment& increment : increments_) {
    if (left <= increment.quanta) return worth + increment.slope * left;
    worth += increment.slope * increment.quanta;
    left -= increment.quanta;
  }
  return worth;
}

Quanta Fluid::BestQuanta(double rate_at_end, Quanta most) const {
  // Between two corners of the hull the ratio is monotonic: only corners and `most` count.
  const Quanta capacity = problem_.capacity();
  const Quanta spare = capacity - quanta_;
  most = std::min(most, spare);
  if (most <= 0) return 0;
  Quanta best = most;
  double best_ratio = (rate_at_end - Rate(capacity - most)) / most;
  double worth = worth_;
  Quanta inference = 0;
  for (std::size_t i = 0;; ++i) {
    const Quanta retraining = spare - inference;
    if (retraining <= 0) break;
    if (retraining < most) {
      const double ratio = (rate_at_end - worth) / retraining;
      if (ratio < best_ratio) {
        best = retraining;
        best_ratio = ratio;
      }
    }
    if (i == increments_.size()) break;
    worth += increments_[i].slope * increments_[i].quanta;
    inference += increments_[i].quanta;
  }
  return best;
}

double Fluid::RateAtEnd(const std::vector<PlannedRetraining>& order) {
  end_asked_.assign(problem_.count(), -1);
  for (const PlannedRetraining& job : order) end_asked_[job.stream] = job.retraining;
  if (end_asked_ == end_set_) return rate_at_end_;
  increments_.clear();
  worth_ = 0;
  quanta_ = 0;
  for (int s = 0; s < problem_.count(); ++s) {
    const Hull& hull = end_asked_[s] < 0 ? before_[s] : after_[s][end_asked_[s]];
    worth_ += hull.worth;
    quanta_ += hull.quanta;
    increments_.insert(increments_.end(), hull.increments.begin(), hull.increments.end());
  }
  std::int64_t wanted = quanta_;
  double all = worth_;
  for (const Increment& increment : increments_) {
    wanted += increment.quanta;
    all += increment.slope * increment.quanta;
  }
  steps_ += static_cast<std::int64_t>(increments_.size());
  if (wanted <= problem_.capacity()) {
    rate_at_end_ = all;
  } else {
    std::sort(increments_.begin(), increments_.end(), [](const Increment& a, const Increment& b) {
      return a.slope != b.slope ? a.slope > b.slope : a.stream < b.stream;
    });
    steps_ += 4 * static_cast<std::int64_t>(increments_.size());
    rate_at_end_ = Rate(problem_.capacity());
  }
  end_set_ = end_asked_;
  return rate_at_end_;
}

double Fluid::Value(const Plan& plan, std::vector<Quanta>* used) {
  const int count = static_cast<int>(plan.order.size());
  const Quanta capacity = problem_.capacity();
  const Quanta per_job = plan.Most(problem_.per_device);
  const double at_end = plan.quanta.empty() && count > 0 ? RateAtEnd(plan.order) : 0;
  increments_ = start_;
  worth_ = start_worth_;
  quanta_ = start_quanta_;
  work_.clear();
  for (const PlannedRetraining& job : plan.order) {
    const StreamState& state = problem_.start[job.stream];
    work_.push_back(state.running == job.retraining
                        ? state.work_left
                        : problem_.streams[job.stream].retrainings[job.retraining].device_seconds);
  }
  if (used != nullptr) used->clear();
  double value = 0;
  double now = 0;
  int first = 0;  // Everything before it is done.
  int left = count;
  for (std::size_t stretch = 0; left > 0; ++stretch) {
    const Quanta most =
        static_cast<Quanta>(std::min<std::int64_t>(capacity, std::int64_t{left} * per_job));
    const Quanta quanta = stretch < plan.quanta.size()
                              ? std::min(plan.quanta[stretch], most)
                              : (plan.quanta.empty() ? BestQuanta(at_end, most) : most);
    if (quanta <= 0) break;
    if (used != nullptr) used->push_back(quanta);
    // The first that ends.
    double length = problem_.window - now;
    int ends = -1;
    Quanta rest = quanta;
    for (int i = first; i < count && rest > 0; ++i) {
      if (work_[i] < 0) continue;
      const Quanta share = std::min(rest, per_job);
      const double needs = work_[i] / problem_.streams[plan.order[i].stream].speed[share];
      if (needs < length) {
        length = needs;
        ends = i;
      }
      rest -= share;
    }
    value += length * Rate(capacity - quanta);
    now += length;
    if (ends < 0) return value;
    rest = quanta;
    for (int i = first; i < count && rest > 0; ++i) {
      if (work_[i] < 0) continue;
      const Quanta share = std::min(rest, per_job);
      const double speed = problem_.streams[plan.order[i].stream].speed[share];
      work_[i] = std::max(0.0, work_[i] - length * speed);
      rest -= share;
    }
    work_[ends] = -1;
    while (first < count && work_[first] < 0) ++first;
    --left;
    const PlannedRetraining& job = plan.order[ends];
    Exchange(before_[job.stream], HullAfter(job), job.stream);
  }
  return value + (problem_.window - now) * Rate(capacity);
}

}  // namespace ekya::schedule
