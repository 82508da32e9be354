#include "decide/schedule/bound.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "decide/schedule/internal/judge.h"
#include "decide/schedule/policy.h"
#include "decide/schedule/timeline.h"

namespace ekya::schedule {
namespace {

using internal::RandomSituation;

/// A course of random shares that change at random times.
Schedule RandomSchedule(const Situation& situation, const Problem& problem, Random& random) {
  Course course(problem);
  while (!course.over()) {
    std::vector<Share> shares(problem.count());
    for (int s = 0; s < problem.count(); ++s) {
      const StreamState& state = course.states()[s];
      shares[s].inference = static_cast<Quanta>(random.Below(problem.per_device + 1));
      if (!state.retrained && !problem.streams[s].retrainings.empty()) {
        shares[s].retraining =
            state.running >= 0
                ? state.running
                : static_cast<int>(random.Below(problem.streams[s].retrainings.size()));
        shares[s].retraining_quanta = static_cast<Quanta>(random.Below(problem.per_device + 1));
      }
    }
    Place(problem, course.states(), &shares);
    course.Run(shares, course.now() + random.Uniform(0, problem.window));
  }
  return MakeSchedule(situation, course, "random");
}

TEST(Bound, NoScheduleExceedsIt) {
  Random random(4);
  int kept = 0;
  for (int round = 0; round < 150; ++round) {
    const Situation situation = RandomSituation(random);
    const Problem problem = Prepare(situation).value();
    for (int i = 0; i < 20; ++i) {
      Schedule schedule = RandomSchedule(situation, problem, random);
      // Cheap and dear bounds are both bounds.
      Certify(situation, &schedule, {.slots = 1 + i, .iterations = 1 + 5 * i});
      ASSERT_TRUE(schedule.upper_bound.has_value());
      ASSERT_EQ(internal::Judge(situation, schedule).fault, "") << WriteSituation(situation);
      kept += schedule.floor_feasible ? 1 : 0;
    }
  }
  EXPECT_GT(kept, 500);
}

TEST(Bound, NoPolicyExceedsIt) {
  Random random(5);
  for (int round = 0; round < 150; ++round) {
    const Situation situation = RandomSituation(random);
    // The search for prices stops where it meets the schedule's own value: a bound made for a poor
    // schedule goes lower, and holds for the good ones all the same.
    double most = 0;
    double least_bound = 1;
    for (const PolicyDescription& known : KnownPolicies()) {
      Schedule schedule = (*MakePolicy(known.name))->Decide(situation).value();
      Certify(situation, &schedule);
      ASSERT_EQ(internal::Judge(situation, schedule).fault, "")
          << known.name << " in " << WriteSituation(situation);
      if (!schedule.floor_feasible) continue;
      most = std::max(most, schedule.mean_accuracy);
      least_bound = std::min(least_bound, *schedule.upper_bound);
    }
    EXPECT_LE(most, least_bound + 1e-9) << WriteSituation(situation);
  }
}

TEST(Bound, MeetsTheOptimumOfOneStream) {
  // Nothing to share: the stream retrains on a device and serves on the other.
  Situation situation;
  situation.window_seconds = 100;
  situation.devices = 2;
  situation.streams.push_back({"a", 0.4, {{"all", 1, 1}}, {{"r", 0.9, 30, 0}}, {}, false});
  const Schedule schedule = (*MakePolicy("planner"))->Decide(situation).value();
  EXPECT_NEAR(schedule.mean_accuracy, 0.4 * 0.3 + 0.9 * 0.7, 1e-9);
  EXPECT_NEAR(*schedule.upper_bound, schedule.mean_accuracy, 1e-6);
}

TEST(Bound, IsWithoutFloorForScheduleThatBreaksIt) {
  Situation situation;
  situation.window_seconds = 100;
  situation.quanta_per_device = 10;
  situation.accuracy_floor = 0.3;
  situation.streams.push_back({"a", 0.9, {{"all", 1, 1}, {"half", 0.5, 0.4}}, {}, {}, false});
  situation.streams.push_back({"b", 0.4, {{"all", 0.5, 1}}, {}, {}, false});
  // Keeping the floor: a at half and b. Breaking it: a alone.
  Schedule kept = (*MakePolicy("none"))->Decide(situation).value();
  Certify(situation, &kept);
  EXPECT_NEAR(*kept.upper_bound, (0.36 + 0.4) / 2, 1e-6);
  Schedule broken = kept;
  broken.floor_feasible = false;
  Certify(situation, &broken);
  EXPECT_NEAR(*broken.upper_bound, 0.9 / 2, 1e-6);
}

}  // namespace
}  // namespace ekya::schedule
