#include "core/interval.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ekya {
namespace {

TEST(Interval, WilsonsOwnNumbers) {
  const AccuracyInterval half = WilsonInterval(0.5, 100);
  EXPECT_NEAR(half.low, 0.4038, 1e-4);
  EXPECT_NEAR(half.high, 0.5962, 1e-4);
  const AccuracyInterval all = WilsonInterval(1, 10);
  EXPECT_NEAR(all.low, 0.7225, 1e-4);
  EXPECT_DOUBLE_EQ(all.high, 1);
  EXPECT_DOUBLE_EQ(WilsonInterval(0.5, 0).low, 0);
  EXPECT_DOUBLE_EQ(WilsonInterval(0.5, 0).high, 1);
}

TEST(Interval, TheSameFramesAgainSayNothingNew) {
  // Ten stretches, each all right or all wrong: ten observations, however many frames they have.
  std::vector<FrameScore> few;
  std::vector<FrameScore> many;
  for (int i = 0; i < 10; ++i) {
    const int right = i % 2;
    few.push_back({right, 1, 1});
    many.push_back({100 * right, 100, 100});
  }
  const AccuracyInterval a = IntervalOf(few, false);
  const AccuracyInterval b = IntervalOf(many, false);
  EXPECT_NEAR(a.low, b.low, 1e-9);
  EXPECT_NEAR(a.high, b.high, 1e-9);
  EXPECT_GT(b.high - b.low, 0.4);
}

TEST(Interval, WithoutAnythingJudgedItIsEverything) {
  const AccuracyInterval nothing = IntervalOf({{0, 0, 0}, {0, 0, 0}}, true);
  EXPECT_DOUBLE_EQ(nothing.low, 0);
  EXPECT_DOUBLE_EQ(nothing.high, 1);
  // All right in one stretch is one observation, not fifty.
  EXPECT_LT(IntervalOf({{50, 50, 50}}, true).low, 0.3);
}

TEST(Interval, CoversTheTruthNineteenTimesInTwenty) {
  Random random(7);
  int covered = 0;
  constexpr int kRuns = 2000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<FrameScore> stretches;
    for (int i = 0; i < 30; ++i) {
      // Half of the stretches are hard: 0.4 + 0.9 in the middle.
      const double chance = random.Below(2) == 0 ? 0.4 : 0.9;
      FrameScore stretch{0, 10, 10};
      for (int object = 0; object < 10; ++object) stretch.right += random.Uniform() < chance;
      stretches.push_back(stretch);
    }
    const AccuracyInterval interval = IntervalOf(stretches, false);
    covered += interval.low <= 0.65 && 0.65 <= interval.high;
  }
  EXPECT_GT(covered, 0.92 * kRuns);
  EXPECT_LT(covered, 0.98 * kRuns);
}

}  // namespace
}  // namespace ekya
