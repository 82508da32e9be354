#include "decide/schedule/timeline.h"

#include <gtest/gtest.h>

#include "decide/schedule/internal/judge.h"

namespace ekya::schedule {
namespace {

Situation Two(double first_work, double second_work) {
  Situation situation;
  situation.window_seconds = 100;
  situation.devices = 2;
  situation.quanta_per_device = 10;
  situation.streams.push_back({"a", 0.5, {{"i", 0.2, 1}}, {{"r", 0.9, first_work, 0}}, {}, false});
  situation.streams.push_back({"b", 0.4, {{"i", 0.2, 1}}, {{"r", 0.8, second_work, 0}}, {}, false});
  return situation;
}

TEST(Course, EndsASegmentWhereARetrainingEnds) {
  const Situation situation = Two(10, 50);
  const Problem problem = Prepare(situation).value();
  Course course(problem);
  std::vector<Share> shares{{2, 0, 0, 8, 0}, {2, 1, -1, 0, 0}};
  EXPECT_EQ(course.Run(shares), std::vector<int>{0});
  EXPECT_DOUBLE_EQ(course.now(), 12.5);
  shares[0] = {2, 0, -1, 0, 0};
  EXPECT_TRUE(course.Run(shares).empty());
  EXPECT_TRUE(course.over());
  const Schedule schedule = MakeSchedule(situation, course, "test");
  EXPECT_EQ(internal::Judge(situation, schedule).fault, "");
  EXPECT_NEAR(schedule.mean_accuracy, (0.5 * 12.5 + 0.9 * 87.5 + 0.4 * 100) / 200, 1e-12);
}

TEST(Course, EndsAlmostSimultaneousRetrainingsTogether) {
  // A replay that forgives a microsecond must not see b's go on after its end.
  const Situation situation = Two(8, 8.0000005);
  const Problem problem = Prepare(situation).value();
  Course course(problem);
  std::vector<Share> shares{{2, 0, 0, 8, 0}, {2, 1, 0, 8, 1}};
  EXPECT_EQ(course.Run(shares), (std::vector<int>{0, 1}));
  shares = {{2, 0, -1, 0, 0}, {2, 1, -1, 0, 0}};
  course.Run(shares);
  EXPECT_EQ(internal::Judge(situation, MakeSchedule(situation, course, "test")).fault, "");
}

TEST(Course, GoesOnWithWhatRunsAndKeepsThePaused) {
  Situation situation = Two(40, 40);
  situation.streams[0].running = RunningRetraining{"r", 1, 5};
  const Problem problem = Prepare(situation).value();
  Course course(problem);
  std::vector<Share> shares{{2, 0, 0, 0, 1}, {2, 0, -1, 0, 0}};
  EXPECT_TRUE(course.Run(shares, 20).empty());
  EXPECT_EQ(course.states()[0].running, 0);
  shares[0].retraining_quanta = 10;
  EXPECT_EQ(course.Run(shares), std::vector<int>{0});
  EXPECT_DOUBLE_EQ(course.now(), 25);
}

TEST(Measure, SeesABrokenFloor) {
  Situation situation = Two(10, 50);
  situation.accuracy_floor = 0.45;  // Within reach of a; b's best is 0.4.
  const Problem problem = Prepare(situation).value();
  Course good(problem);
  good.Run({{2, 0, -1, 0, 0}, {2, 0, -1, 0, 0}});
  EXPECT_TRUE(Measure(situation, good.Segments(situation)).floor_kept);
  Course bad(problem);
  bad.Run({{1, 0, -1, 0, 0}, {2, 0, -1, 0, 0}});
  EXPECT_FALSE(Measure(situation, bad.Segments(situation)).floor_kept);
}

TEST(Place, KeepsRunningRetrainingsAndGivesWaysOut) {
  Situation situation = Two(40, 40);
  situation.streams[0].running = RunningRetraining{"r", 1, 40};
  situation.streams[1].running = RunningRetraining{"r", 1, 40};
  const Problem problem = Prepare(situation).value();
  // Both want all of device 1.
  std::vector<Share> shares{{2, 0, 0, 10, 0}, {2, 0, 0, 10, 0}};
  Place(problem, problem.start, &shares);
  EXPECT_EQ(shares[0].retraining_device, 1);
  EXPECT_EQ(shares[1].retraining_device, 1);
  EXPECT_EQ(shares[0].retraining_quanta + shares[1].retraining_quanta, 10);
  EXPECT_EQ(shares[0].inference_device, 0);
  EXPECT_EQ(shares[1].inference_device, 0);
}

}  // namespace
}  // namespace ekya::schedule
