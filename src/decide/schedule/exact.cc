#include "decide/schedule/exact.h"

#include <algorithm>
#include <limits>

#include "decide/schedule/bound.h"

namespace ekya::schedule {
namespace {

/// Beyond so many streams not every completion is decided again.
constexpr int kMostDecisions = 16;
/// Up to so many devices, fewer are looked at as well.
constexpr int kMostDevicesCompared = 32;
constexpr BoundOptions kRoughBound = {.slots = 6, .iterations = 16};

/// Adds what retraining number `retraining`, with `work` left, offers at every share.
void OfferRetraining(const Problem& problem, const StreamChoices& stream, const StreamState& state,
                     double seconds, int retraining, double work, std::vector<Offer>* best) {
  const Quanta device = problem.per_device;
  const std::size_t count = stream.levels.size();
  std::vector<double> before(count);
  std::vector<double> after(count);
  for (std::size_t i = 0; i < count; ++i) {
    before[i] = problem.Worth(stream, state.accuracy, stream.levels[i]);
    after[i] = problem.Worth(stream, stream.retrainings[retraining].accuracy, stream.levels[i]);
  }
  for (Quanta share = device; share > 0; --share) {
    const double ends = work / stream.speed[share];
    if (ends >= seconds) break;
    const auto consider = [&](Quanta inference) {
      const std::size_t later = stream.level_at[std::min(inference + share, device)];
      const double worth =
          before[stream.level_at[inference]] * ends + after[later] * (seconds - ends);
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

/// Plays `first`, the static optimum; with `again`, decides anew when retrainings end.
Course Play(const Problem& problem, const StaticSolution& first, bool again) {
  Course course(problem);
  std::vector<Share> shares = first.shares;
  const int patience = problem.count() / kMostDecisions;
  int ended = 0;
  bool decide = false;
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
    double static_worth = 0;
    Schedule schedule = MakeSchedule(situation, RunExact(problem, &static_worth), name_);
    if (problem.floors_fit) {
      if (!problem.floor_feasible) {
        // Only placement keeps a floor from being kept, and the static optimum leaves it out.
        Problem unplaced = problem;
        unplaced.floor_feasible = true;
        static_worth = SolveStatic(unplaced, unplaced.start, unplaced.window).worth;
      }
      schedule.static_optimum = static_worth / problem.window / problem.count();
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
  offers.reserve(static_cast<std::size_t>(count));
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

double UnlimitedWorth(const Problem& problem) {
  double worth = 0;
  for (int s = 0; s < problem.count(); ++s) {
    worth += Offers(problem, problem.streams[s], problem.start[s], problem.window).back().worth;
  }
  return worth;
}

Course RunExact(const Problem& problem, double* static_worth) {
  const StaticSolution first = SolveStatic(problem, problem.start, problem.window);
  if (static_worth != nullptr) *static_worth = first.worth;
  Course best = Play(problem, first, false);
  const double unlimited = UnlimitedWorth(problem) * (1 - 1e-12);
  const auto keep = [&](Course course) {
    course.Adopt(problem);
    if (course.worth() > best.worth()) best = std::move(course);
  };
  if (best.worth() < unlimited) keep(Play(problem, first, true));
  // Deciding again and placement could make a device more a loss: look at fewer devices too, as far
  // as a rough bound on what they reach leaves it open.
  if (problem.devices > kMostDevicesCompared) return best;
  for (int devices = problem.devices - 1; devices > 0 && best.worth() < unlimited; --devices) {
    const std::optional<Problem> fewer = OnFewerDevices(problem, devices);
    if (!fewer || Relax(*fewer, {}, best.worth(), kRoughBound).bound <= best.worth()) break;
    const StaticSolution solution = SolveStatic(*fewer, fewer->start, fewer->window);
    keep(Play(*fewer, solution, true));
    if (solution.worth > best.worth()) keep(Play(*fewer, solution, false));
  }
  return best;
}

Result<std::unique_ptr<Policy>> MakeExact(Options options) {
  ExactOptions exact;
  options.Read("risk", &exact.risk, 0, 10);
  EKYA_RETURN_IF_ERROR(options.Finish());
  return std::unique_ptr<Policy>(new Exact(options.specification(), exact));
}

}  // namespace ekya::schedule
