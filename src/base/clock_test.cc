#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace ekya {
namespace {

TEST(MonotonicClockTest, SleepsUntilATimeAndNeverForOneThatHasPassed) {
  Clock& clock = MonotonicClock();
  const double start = clock.Now();
  clock.SleepUntil(start + 0.05);
  EXPECT_GE(clock.Now(), start + 0.05);
  for (const double past : {start, 0.0, -5.5, -std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN()}) {
    clock.SleepUntil(past);
  }
}

TEST(VirtualClockTest, MovesOnlyForward) {
  VirtualClock clock;
  EXPECT_EQ(clock.Now(), 0);
  clock.SleepUntil(5);
  clock.SleepUntil(3);
  EXPECT_EQ(clock.Now(), 5);
}

TEST(CpuClockTest, CountsWorkAndNotSleep) {
  const double start = ThreadCpuSeconds();
  MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.2);
  EXPECT_LT(ThreadCpuSeconds() - start, 0.15);
  const double before = ThreadCpuSeconds();
  volatile double sum = 0;
  while (ThreadCpuSeconds() < before + 0.01) sum = sum + 1;
  EXPECT_GT(sum, 0);
}

TEST(EpochTest, IsAfterTheYear2020) { EXPECT_GT(EpochSeconds(), 1.577e9); }

}  // namespace
}  // namespace ekya
