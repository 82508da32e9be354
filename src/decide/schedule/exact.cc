#include "decide/schedule/exact.h"

#include <algorithm>
#include <limits>

namespace ekya::schedule {
namespace {

/// Beyond so many streams not every completion is decided again.
constexpr int kMostDecisions = 16;

void OfferRetraining(const Problem& problem, const StreamChoices& stream, const StreamState& state,
                     double seconds, int retraining, double work, std::vector<Offer>* best) {
  const Quanta device = problem.per_device;
  for (Quanta share = 1; share <= device; ++share) {
    const double ends = work / problem.Throughput(share);
    if (ends >= seconds) continue;
    const auto consider = [&](Quanta inference) {
      const double worth = EstimatedWorth(problem, stream, state.accuracy, seconds, inference,
                                          retraining, share, work);
      Offer& offer = (*best)[inference + share];
      if (worth > offer.worth) offer = {inference + share, worth, inference, retraining, share};
    };
    // Only inference shares that reach a level, now or with the retraining's share added, differ.
    for (const Level& level : stream.levels) {
      consider(level.quanta);
      if (level.quanta > share) consider(level.quanta - share);
    }
  }
}

/// Plays the static optimum; with `again`, decides anew when retrainings end.
Course Play(const Problem& problem, bool again) {
  Course course(problem);
  std::vector<Share> shares;
  const int patience = problem.count() / kMostDecisions;
  int ended = 0;
  bool decide = true;
  while (!course.over()) {
    if (decide) {
      shares = SolveStatic(problem, course.states(), course.left()).shares;
      ended = 0;
    }
    Place(problem, course.states(), &shares);
    const std::vector<int> done = course.Run(shares);
    for (const int s : done) {
      shares[s].inference += shares[s].retraining_quanta;
      shares[s].retraining = -1;
      shares[s].retraining_quanta = 0;
    }
    ended += static_cast<int>(done.size());
    decide = again && ended > patience;
  }
  return course;
}

class Exact : public Policy {
 public:
  Exact(std::string name, ExactOptions options) : name_(std::move(name)), options_(options) {}

  std::string name() const override { return name_; }

  Result<Schedule> Decide(const Situation& situation) override {
    EKYA_ASSIGN(const Problem problem, Prepare(situation, options_.risk));
    Schedule schedule = MakeSchedule(situation, RunExact(problem), name_);
    if (problem.floors_fit) {
      Problem relaxed = problem;
      relaxed.floor_feasible = true;
      schedule.static_optimum = SolveStatic(relaxed, relaxed.start, relaxed.window).worth /
                                relaxed.window / relaxed.count();
    }
    return schedule;
  }

 private:
  const std::string name_;
  const ExactOptions options_;
};

}  // namespace

std::vector<Offer> Offers(const Problem& problem, const StreamChoices& stream,
                          const StreamState& state, double seconds) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  std::vector<Offer> best(2 * static_cast<std::size_t>(problem.per_device) + 1,
                          Offer{0, kNever, 0, -1, 0});
  for (const Level& level : stream.levels) {
    const double worth = problem.Worth(stream, state.accuracy, level) * seconds;
    // A retraining that waits keeps its place.
    best[level.quanta] = {level.quanta, worth, level.quanta, state.running, 0};
  }
  if (state.running >= 0) {
    OfferRetraining(problem, stream, state, seconds, state.running, state.work_left, &best);
  } else if (!state.retrained) {
    for (const int retraining : stream.efficient) {
      OfferRetraining(problem, stream, state, seconds, retraining,
                      stream.retrainings[retraining].device_seconds, &best);
    }
  }
  std::vector<Offer> kept;
  for (const Offer& offer : best) {
    if (offer.worth == kNever) continue;
    if (kept.empty() || offer.worth > kept.back().worth) kept.push_back(offer);
  }
  return kept;
}

StaticSolution SolveStatic(const Problem& problem, const std::vector<StreamState>& states,
                           double seconds) {
  const int count = problem.count();
  const std::size_t width = static_cast<std::size_t>(problem.capacity()) + 1;
  std::vector<std::vector<Offer>> offers;
  for (int s = 0; s < count; ++s) {
    offers.push_back(Offers(problem, problem.streams[s], states[s], seconds));
  }
  // best[s * width + c]: the best worth of the first s streams with at most c quanta.
  std::vector<double> best((count + 1) * width);
  for (int s = 0; s < count; ++s) {
    const double* before = &best[s * width];
    double* after = &best[(s + 1) * width];
    const double none = offers[s].front().worth;
    for (std::size_t c = 0; c < width; ++c) after[c] = before[c] + none;
    for (std::size_t i = 1; i < offers[s].size(); ++i) {
      const std::size_t quanta = offers[s][i].quanta;
      const double worth = offers[s][i].worth;
      for (std::size_t c = quanta; c < width; ++c) {
        const double sum = before[c - quanta] + worth;
        after[c] = after[c] < sum ? sum : after[c];
      }
    }
  }
  StaticSolution solution;
  solution.worth = best[(count + 1) * width - 1];
  solution.shares.resize(count);
  std::size_t c = width - 1;
  for (int s = count; s-- > 0;) {
    for (const Offer& offer : offers[s]) {
      const std::size_t quanta = offer.quanta;
      if (quanta > c || best[(s + 1) * width + c] != best[s * width + c - quanta] + offer.worth) {
        continue;
      }
      solution.shares[s].inference = offer.inference;
      solution.shares[s].retraining = offer.retraining;
      solution.shares[s].retraining_quanta = offer.retraining_quanta;
      c -= quanta;
      break;
    }
  }
  return solution;
}

Course RunExact(const Problem& problem) {
  Course kept = Play(problem, false);
  Course again = Play(problem, true);
  return again.worth() > kept.worth() ? again : kept;
}

Result<std::unique_ptr<Policy>> MakeExact(Options options) {
  ExactOptions exact;
  options.Read("risk", &exact.risk, 0, 10);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new Exact(options.specification(), exact));
}

}  // namespace ekya::schedule
