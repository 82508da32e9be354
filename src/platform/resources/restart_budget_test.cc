#include "platform/resources/restart_budget.h"

#include <gtest/gtest.h>

namespace ekya::resources {
namespace {

TEST(RestartBudgetTest, FiveRestartsWithinAMinuteAreFree) {
  RestartBudget budget;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(budget.Ended(100 + i), 100 + i) << i;
  EXPECT_FALSE(budget.backing_off());
  EXPECT_EQ(budget.Ended(105), 106);
  EXPECT_TRUE(budget.backing_off());
  EXPECT_EQ(budget.ends(), 6);
}

TEST(RestartBudgetTest, WaitsDoubleUpToAMinute) {
  RestartBudget budget;
  double now = 0;
  for (int i = 0; i < 5; ++i) now = budget.Ended(now);
  EXPECT_EQ(now, 0);
  for (const double wait : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    now += 0.5;  // It ends half a second after each start.
    const double start = budget.Ended(now);
    EXPECT_DOUBLE_EQ(start - now, wait);
    now = start;
  }
}

TEST(RestartBudgetTest, AQuietMinuteForgivesAll) {
  RestartBudget budget;
  double now = 0;
  for (int i = 0; i < 7; ++i) now = budget.Ended(now);
  EXPECT_TRUE(budget.backing_off());
  now += 59;  // Not yet quiet: the waits go on where they were.
  EXPECT_EQ(budget.Ended(now), now + 4);
  now += 4 + 60;
  EXPECT_EQ(budget.Ended(now), now);
  EXPECT_FALSE(budget.backing_off());
  EXPECT_EQ(budget.ends(), 1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(budget.Ended(now), now);
  EXPECT_EQ(budget.Ended(now), now + 1) << "the doubling begins anew too";
}

TEST(RestartBudgetTest, TheWaitIsNoQuietTime) {
  RestartBudget budget;
  double now = 0;
  for (int i = 0; i < 12; ++i) now = budget.Ended(now);
  // It waited a minute and then lived for a second only.
  EXPECT_EQ(budget.Ended(now + 1), now + 1 + 60);
}

TEST(RestartBudgetTest, OldRestartsLeaveTheMinute) {
  RestartBudget budget;
  // One end every 15 s: four within any minute, which is no failure to live.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(budget.Ended(15.0 * i), 15.0 * i) << i;
}

TEST(RestartBudgetTest, LimitsAreTheCallers) {
  RestartBudget budget({.restarts = 0, .first_wait = 0.25, .longest_wait = 0.5});
  EXPECT_EQ(budget.Ended(10), 10.25);
  EXPECT_EQ(budget.Ended(11), 11.5);
  EXPECT_EQ(budget.Ended(12), 12.5);
}

}  // namespace
}  // namespace ekya::resources
