#include "decide/schedule/thief.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ekya::schedule {
namespace {

/// Tables of estimates beyond this many entries are not kept.
constexpr std::size_t kMostEntries = 20'000'000;

/// One decision: shares of all 2V jobs, from fair ones by stealing.
class Thief {
 public:
  Thief(const Problem& problem, const std::vector<StreamState>& states, double seconds,
        Quanta delta)
      : problem_(problem),
        states_(states),
        seconds_(seconds),
        delta_(delta),
        count_(problem.count()),
        side_(problem.per_device + 1),
        quanta_(2 * problem.count()) {
    if (side_ * side_ * count_ <= kMostEntries) table_.resize(side_ * side_ * count_);
  }

  std::vector<Share> Decide() {
    StartFair();
    RaiseToFloor();
    Steal();
    std::vector<Share> shares(count_);
    for (int s = 0; s < count_; ++s) {
      Estimate(s, quanta_[2 * s], quanta_[2 * s + 1], &shares[s].retraining);
      shares[s].inference = quanta_[2 * s];
      shares[s].retraining_quanta = shares[s].retraining < 0 ? 0 : quanta_[2 * s + 1];
      if (shares[s].retraining < 0) shares[s].retraining = states_[s].running;
    }
    return shares;
  }

 private:
  // Job 2s is the inference of stream s, job 2s + 1 its retraining.

  /// A retraining that can no longer come is no job.
  bool Exists(int job) const {
    const StreamState& state = states_[job / 2];
    return job % 2 == 0 || state.running >= 0 ||
           (!state.retrained && !problem_.streams[job / 2].efficient.empty());
  }

  void StartFair() {
    int jobs = 0;
    for (int job = 0; job < 2 * count_; ++job) jobs += Exists(job) ? 1 : 0;
    // What does not divide goes to inference first.
    Quanta rest = problem_.capacity() % jobs;
    for (const int first : {0, 1}) {
      for (int job = first; job < 2 * count_; job += 2) {
        quanta_[job] = 0;
        if (!Exists(job)) continue;
        quanta_[job] =
            std::min(problem_.capacity() / jobs + (rest > 0 ? 1 : 0), problem_.per_device);
        if (rest > 0) --rest;
      }
    }
  }

  /// Fair shares may break a floor that can be kept; from there, stealing keeps it.
  void RaiseToFloor() {
    if (!problem_.floor_feasible) return;
    std::vector<Quanta> needed(2 * count_, 0);
    for (int s = 0; s < count_; ++s) {
      for (const Level& level : problem_.streams[s].levels) {
        needed[2 * s] = level.quanta;
        if (problem_.KeepsFloor(problem_.streams[s], states_[s].accuracy, level)) break;
      }
    }
    for (int s = 0; s < count_; ++s) {
      while (quanta_[2 * s] < needed[2 * s]) {
        int richest = 0;
        for (int job = 1; job < 2 * count_; ++job) {
          if (quanta_[job] - needed[job] > quanta_[richest] - needed[richest]) richest = job;
        }
        if (quanta_[richest] <= needed[richest]) return;
        --quanta_[richest];
        ++quanta_[2 * s];
      }
    }
  }

  /// Algorithm 1.
  void Steal() {
    for (int thief = 0; thief < 2 * count_; ++thief) {
      for (int victim = 0; victim < 2 * count_; ++victim) {
        if (thief == victim) continue;
        while (quanta_[victim] > 0 && quanta_[thief] < problem_.per_device) {
          const Quanta loot =
              std::min({delta_, quanta_[victim], problem_.per_device - quanta_[thief]});
          const double before = Pair(thief / 2, victim / 2);
          quanta_[victim] -= loot;
          quanta_[thief] += loot;
          const double after = Pair(thief / 2, victim / 2);
          if (after > before + 1e-12 * seconds_) continue;
          quanta_[victim] += loot;
          quanta_[thief] -= loot;
          break;
        }
      }
    }
  }

  /// Only the two streams whose quanta move change the mean.
  double Pair(int a, int b) {
    const double worth = Estimate(a);
    return a == b ? worth : worth + Estimate(b);
  }

  double Estimate(int s) {
    const Quanta inference = quanta_[2 * s];
    const Quanta retraining = quanta_[2 * s + 1];
    if (table_.empty()) return Estimate(s, inference, retraining, nullptr);
    Entry& entry = table_[(s * side_ + inference) * side_ + retraining];
    if (!entry.known) entry = {Estimate(s, inference, retraining, nullptr), true};
    return entry.worth;
  }

  /// Algorithm 2: the best retraining configuration for these quanta, with the best inference
  /// configurations that keep up before and after.
  double Estimate(int s, Quanta inference, Quanta retraining, int* choice) const {
    const StreamChoices& stream = problem_.streams[s];
    const StreamState& state = states_[s];
    double best = EstimatedWorth(problem_, stream, state.accuracy, seconds_, inference, -1, 0, 0);
    int best_choice = -1;
    const auto consider = [&](int candidate, double work) {
      const double worth = EstimatedWorth(problem_, stream, state.accuracy, seconds_, inference,
                                          candidate, retraining, work);
      if (worth <= best) return;
      best = worth;
      best_choice = candidate;
    };
    if (retraining > 0 && state.running >= 0) {
      consider(state.running, state.work_left);
    } else if (retraining > 0 && !state.retrained) {
      for (const int candidate : stream.efficient) {
        consider(candidate, stream.retrainings[candidate].device_seconds);
      }
    }
    if (choice != nullptr) *choice = best_choice;
    return best;
  }

  struct Entry {
    double worth = 0;
    bool known = false;
  };

  const Problem& problem_;
  const std::vector<StreamState>& states_;
  const double seconds_;
  const Quanta delta_;
  const int count_;
  const std::size_t side_;
  std::vector<Quanta> quanta_;
  std::vector<Entry> table_;
};

class ThiefPolicy : public Policy {
 public:
  ThiefPolicy(std::string name, ThiefOptions options) : name_(std::move(name)), options_(options) {}

  std::string name() const override { return name_; }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation, options_.risk));
    return MakeSchedule(situation, RunThief(problem, options_), name_);
  }

 private:
  const std::string name_;
  const ThiefOptions options_;
};

}  // namespace

Course RunThief(const Problem& problem, const ThiefOptions& options) {
  const Quanta delta =
      std::max(1, static_cast<Quanta>(std::lround(options.delta * problem.per_device)));
  Course course(problem);
  while (!course.over()) {
    std::vector<Share> shares = Thief(problem, course.states(), course.left(), delta).Decide();
    Place(problem, course.states(), &shares);
    course.Run(shares);
  }
  return course;
}

Result<std::unique_ptr<Policy>> MakeThief(Options options) {
  ThiefOptions thief;
  options.Read("delta", &thief.delta, 0, 1);
  options.Read("risk", &thief.risk, 0, 10);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new ThiefPolicy(options.specification(), thief));
}

}  // namespace ekya::schedule
