#include "decide/schedule/estimate.h"

#include <gtest/gtest.h>

namespace ekya::schedule {
namespace {

Situation One() {
  Situation situation;
  situation.window_seconds = 100;
  situation.devices = 2;
  situation.quanta_per_device = 10;
  situation.streams.push_back(
      {"a",
       0.5,
       {{"half", 0.15, 0.6}, {"all", 0.4, 1}, {"waste", 0.5, 0.9}},
       {{"slow", 0.8, 50, 0.1}, {"worse", 0.4, 1, 0}, {"fast", 0.7, 10, 0}, {"dear", 0.7, 20, 0}},
       {},
       false});
  return situation;
}

TEST(Prepare, KeepsWhatIsWorthItsCost) {
  const Problem problem = Prepare(One()).value();
  const StreamChoices& stream = problem.streams[0];
  ASSERT_EQ(stream.levels.size(), 3u);  // Not served, half, all.
  EXPECT_EQ(stream.levels[1].quanta, 2);
  EXPECT_EQ(problem.LevelAt(stream, 3).option, 0);
  EXPECT_EQ(problem.LevelAt(stream, 99).option, 1);
  EXPECT_EQ(stream.efficient, (std::vector<int>{2, 0}));
}

TEST(Prepare, TakesRiskOffTheAccuracy) {
  EXPECT_DOUBLE_EQ(Prepare(One(), 2).value().streams[0].retrainings[0].accuracy, 0.8 - 0.2);
}

TEST(EstimatedWorth, IsBeforeAndAfterTheRetraining) {
  const Problem problem = Prepare(One()).value();
  const StreamChoices& stream = problem.streams[0];
  // 10 device seconds at half a device end at 20 s; then 2 + 5 quanta serve everything.
  EXPECT_DOUBLE_EQ(EstimatedWorth(problem, stream, 0.5, 100, 2, 2, 5, 10),
                   0.5 * 0.6 * 20 + 0.7 * 80);
  // It does not end.
  EXPECT_DOUBLE_EQ(EstimatedWorth(problem, stream, 0.5, 100, 2, 0, 5, 50), 0.5 * 0.6 * 100);
  EXPECT_DOUBLE_EQ(EstimatedWorth(problem, stream, 0.5, 100, 1, -1, 0, 0), 0);
}

TEST(Prepare, KnowsWhetherFloorsFit) {
  Situation situation = One();
  situation.accuracy_floor = 0.9;  // Out of reach: the stream's best, 0.5, binds.
  Problem problem = Prepare(situation).value();
  EXPECT_TRUE(problem.floor_feasible);
  EXPECT_EQ(problem.streams[0].floor_quanta, 4);
  EXPECT_DOUBLE_EQ(problem.streams[0].floor, 0.5);
  for (const char* id : {"b", "c", "d", "e"}) {
    situation.streams.push_back(situation.streams[0]);
    situation.streams.back().id = id;
  }
  // Five times four quanta are twenty, but a device of ten holds only two.
  problem = Prepare(situation).value();
  EXPECT_TRUE(problem.floors_fit);
  EXPECT_FALSE(problem.floor_feasible);
}

TEST(Pack, FindsWhatBestFitMisses) {
  // Decreasing best fit puts 5 beside 6, and then has no room for the last 3.
  const std::vector<Quanta> sizes{6, 5, 4, 3, 3, 3};
  const auto devices = Pack(sizes, 2, 12);
  ASSERT_TRUE(devices.has_value());
  std::vector<Quanta> used(2, 0);
  for (std::size_t i = 0; i < sizes.size(); ++i) used[(*devices)[i]] += sizes[i];
  EXPECT_EQ(used, (std::vector<Quanta>{12, 12}));
  EXPECT_FALSE(Pack({6, 6, 6}, 2, 10).has_value());
  EXPECT_TRUE(Pack({0, 0, 0}, 1, 1).has_value());
}

}  // namespace
}  // namespace ekya::schedule
