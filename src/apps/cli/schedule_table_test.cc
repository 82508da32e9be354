#include "apps/cli/schedule_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ScheduleTableTest, HasALinePerSegmentAndStream) {
  Schedule schedule;
  schedule.scheduler = "planner";
  schedule.mean_accuracy = 0.86149;
  schedule.upper_bound = 0.8651;
  schedule.solve_microseconds = 812;
  schedule.timeline = {
      {0, 31.7, {{"z\xc3\xbcrich", "every-1", 3, 0, "0/5", 6, 1}, {"bern", "", 0, 0, "", 0, 0}}},
      {31.7, 200, {{"z\xc3\xbcrich", "every-1", 3, 0, "", 0, 0}, {"bern", "all", 4, 1, "", 0, 0}}}};
  schedule.explanations = {{"bern", "had to wait"}};
  EXPECT_EQ(
      ScheduleTable(schedule),
      R"(planner: mean accuracy 0.8615, no schedule can exceed 0.8651; solved in 812 microseconds

  from s   to s  stream  inference   quanta  device  retraining  quanta@device
     0.0   31.7  zürich  every-1          3       0  0/5                   6@1
                 bern    not served       0
    31.7  200.0  zürich  every-1          3       0
                 bern    all              4       1

bern: had to wait
)");
}

TEST(ScheduleTableTest, SaysThatTheFloorDoesNotHold) {
  Schedule schedule;
  EXPECT_THAT(ScheduleTable(schedule), Not(HasSubstr("floor")));
  schedule.floor_feasible = false;
  EXPECT_THAT(ScheduleTable(schedule), HasSubstr("floor does not hold"));
}

}  // namespace
}  // namespace ekya::cli
