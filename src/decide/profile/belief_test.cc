#include "decide/profile/belief.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace ekya::profile {
namespace {

constexpr TrainingState kServed{};
constexpr TrainingState kShort{5, 2};
constexpr TrainingState kLong{5, 12};
constexpr TrainingState kHead{1, 12};

double Mean(const Belief& belief, const std::string& stream, int window, TrainingState state) {
  return belief.For(stream, window, {state})[0].mean;
}
double Spread(const Belief& belief, const std::string& stream, int window, TrainingState state) {
  return belief.For(stream, window, {state})[0].spread;
}

TEST(BeliefTest, KnowsNothingAtFirstAndSaysSo) {
  const Belief belief;
  EXPECT_NEAR(Mean(belief, "a", 1, kLong), 0.5, 1e-9);
  EXPECT_GT(Spread(belief, "a", 1, kLong), 0.4);
}

TEST(BeliefTest, WhatWasJudgedOnManySamplesIsBelieved) {
  Belief belief;
  belief.Judged("a", 1, kLong, 0.8, 5000);
  EXPECT_NEAR(Mean(belief, "a", 1, kLong), 0.8, 0.01);
  EXPECT_LT(Spread(belief, "a", 1, kLong), 0.03);
  // Other windows and streams are like it, with less certainty the farther they are.
  EXPECT_NEAR(Mean(belief, "a", 2, kLong), 0.8, 0.02);
  EXPECT_GT(Spread(belief, "a", 2, kLong), Spread(belief, "a", 1, kLong));
  EXPECT_GT(Spread(belief, "b", 1, kLong), Spread(belief, "a", 2, kLong));
}

TEST(BeliefTest, FewSamplesMoveItLess) {
  Belief few;
  Belief many;
  for (Belief* belief : {&few, &many}) belief->Judged("a", 1, kLong, 0.8, 1000);
  few.Judged("a", 2, kLong, 0.5, 4);
  many.Judged("a", 2, kLong, 0.5, 1000);
  EXPECT_GT(Mean(few, "a", 2, kLong), 0.75);
  EXPECT_LT(Mean(many, "a", 2, kLong), 0.6);
}

TEST(BeliefTest, WhatTrainingBroughtOneStreamIsExpectedOfAnother) {
  Belief belief;
  for (int window = 1; window <= 3; ++window) {
    belief.Judged("a", window, kServed, 0.6, 500);
    belief.Judged("a", window, kLong, 0.7, 500);
  }
  belief.Judged("b", 3, kServed, 0.5, 500);
  EXPECT_GT(Mean(belief, "b", 3, kLong), 0.55);
  EXPECT_NEAR(Mean(belief, "b", 3, kServed), 0.5, 0.02);
  // Longer training brings more than shorter, and the head alone is less certain than what was
  // measured.
  EXPECT_GT(Mean(belief, "b", 3, kLong), Mean(belief, "b", 3, kShort));
  EXPECT_GT(Spread(belief, "b", 3, kHead), Spread(belief, "b", 3, kLong));
}

TEST(BeliefTest, HeldOutSamplesThatFlatterAreSeenThrough) {
  // Held-out samples say 4 points more than the window that follows, time and again.
  Belief belief;
  for (int window = 1; window <= 6; ++window) {
    belief.HeldOut("a", window, kServed, 0.84, 400);
    belief.Judged("a", window, kServed, 0.8, 400);
  }
  belief.HeldOut("a", 7, kServed, 0.84, 400);
  EXPECT_NEAR(Mean(belief, "a", 7, kServed), 0.8, 0.015);
}

TEST(BeliefTest, AModelThatBeatsAnotherOnTheSameFewSamplesIsBelievedBetter) {
  Belief belief;
  belief.Judged("a", 1, kServed, 0.7, 300);
  belief.HeldOut("a", 2, kServed, 0.6, 40);
  belief.HeldOut("a", 2, kLong, 0.75, 40);
  EXPECT_GT(Mean(belief, "a", 2, kLong), Mean(belief, "a", 2, kServed) + 0.03);
}

TEST(BeliefTest, ItsSpreadIsHowFarItIsOff) {
  // A world that is as the settings say, but for its constants.
  Random random(5);
  double squares = 0;
  int count = 0;
  for (int world = 0; world < 40; ++world) {
    Belief belief;
    const double level = random.Uniform(0.55, 0.85);
    for (int window = 1; window <= 6; ++window) {
      const double now = level + 0.03 * random.Normal();
      const double gain = 0.05;
      const std::vector<Belief::Accuracy> found = belief.For("a", window, {kLong});
      const double truth = now + gain + 0.015 * random.Normal();
      if (window > 2) {
        squares += std::pow((found[0].mean - truth) / found[0].spread, 2);
        ++count;
      }
      belief.Judged("a", window, kServed, now, 2000);
      belief.Judged("a", window, kLong, truth, 2000);
    }
  }
  EXPECT_GT(squares / count, 0.4);
  EXPECT_LT(squares / count, 1.6);
}

TEST(BeliefTest, TheOldestMeasurementsGoFirstAndNonsenseIsPassedOver) {
  BeliefSettings settings;
  settings.most = 3;
  Belief belief(settings);
  belief.Judged("old", 1, kLong, 0.2, 1000);
  for (int window = 2; window <= 4; ++window) belief.Judged("a", window, kLong, 0.8, 1000);
  EXPECT_NEAR(Mean(belief, "old", 1, kLong), 0.8, 0.05);
  belief.Judged("a", 5, kLong, std::nan(""), 1000);
  belief.Judged("a", 5, kLong, 0.1, 0);
  EXPECT_NEAR(Mean(belief, "a", 5, kLong), 0.8, 0.02);
}

}  // namespace
}  // namespace ekya::profile
