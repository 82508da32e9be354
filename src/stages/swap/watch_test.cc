#include "stages/swap/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"

namespace ekya::swap {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// One window's samples: the promoted version is right on `now` of them, the one before on `before`.
PairedOutcomes Since(double now, double before, int samples, Random& random) {
  PairedOutcomes outcomes;
  for (int i = 0; i < samples; ++i) {
    const double x = random.Uniform();
    // They agree on most: who is right is decided by how hard the sample is, and a little of luck.
    outcomes.served.push_back(x + 0.1 * random.Normal() < now ? 1 : 0);
    outcomes.candidate.push_back(x + 0.1 * random.Normal() < before ? 1 : 0);
  }
  return outcomes;
}

TEST(Watch, RollsBackWhatTurnsOutWorseAndSaysWhy) {
  Random random(3);
  Watch watch;
  watch.Promoted(7, 6);
  EXPECT_EQ(watch.version(), 7);
  EXPECT_EQ(watch.previous(), 6);
  Watch::Verdict verdict;
  int windows = 0;
  while (!verdict.roll_back && windows < 20) {
    verdict = watch.Add(7, Since(0.7, 0.85, 50, random));
    ++windows;
  }
  EXPECT_TRUE(verdict.roll_back);
  EXPECT_LE(windows, 5);
  EXPECT_GE(verdict.evidence, 20);
  EXPECT_THAT(verdict.reason,
              AllOf(HasSubstr("version 7"), HasSubstr("version 6"), HasSubstr("worse")));
  EXPECT_EQ(watch.version(), 0) << "it is over";
}

TEST(Watch, SettlesWhatIsSurelyBetter) {
  Random random(4);
  Watch watch;
  watch.Promoted(2, 1);
  Watch::Verdict verdict;
  for (int window = 0; window < 20 && !verdict.settled; ++window) {
    verdict = watch.Add(2, Since(0.9, 0.7, 50, random));
    ASSERT_FALSE(verdict.roll_back);
  }
  EXPECT_TRUE(verdict.settled);
  EXPECT_EQ(watch.version(), 0);
}

TEST(Watch, FalseAlarmsAreAsRareAsItsLevelHoweverOftenItLooks) {
  Random random(5);
  int alarms = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    Watch watch(0.05);
    watch.Promoted(2, 1);
    for (int window = 0; window < 40; ++window) {
      const auto verdict = watch.Add(2, Since(0.8, 0.8, 20, random));
      alarms += verdict.roll_back ? 1 : 0;
      if (verdict.roll_back || verdict.settled) break;
    }
  }
  EXPECT_LT(alarms / static_cast<double>(kRounds), 0.05);
  EXPECT_GT(alarms, 0) << "it is not asleep";
}

TEST(Watch, MeasuresPicturesByTheirDifferences) {
  Random random(6);
  Watch watch;
  watch.Promoted(2, 1);
  Watch::Verdict verdict;
  for (int picture = 0; picture < 300 && !verdict.roll_back; ++picture) {
    const auto now = static_cast<float>(random.Uniform(0.2, 0.5));
    const auto before = now + static_cast<float>(random.Uniform(0.0, 0.2));
    verdict = watch.Add(2, {{now}, {before}, {}});
  }
  EXPECT_TRUE(verdict.roll_back);
}

TEST(Watch, KnowsWhatItWatches) {
  Watch watch;
  EXPECT_FALSE(watch.Add(3, {{0, 0}, {1, 1}, {}}).roll_back);
  watch.Promoted(1, 0);  // The first version has nothing to go back to.
  EXPECT_EQ(watch.version(), 0);
  watch.Promoted(4, 3);
  EXPECT_EQ(watch.Add(3, {{0, 0}, {1, 1}, {}}).samples, 0) << "of another version";
  EXPECT_EQ(watch.Add(4, {{0, std::numeric_limits<float>::quiet_NaN()}, {1, 1}, {}}).samples, 1);
  // A new promotion begins anew.
  watch.Promoted(5, 4);
  EXPECT_EQ(watch.Add(5, {{0}, {1}, {}}).samples, 1);
}

}  // namespace
}  // namespace ekya::swap
