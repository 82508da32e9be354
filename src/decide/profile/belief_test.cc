#include "decide/profile/belief.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/random.h"

namespace ekya::profile {
namespace {

constexpr TrainingState kShort{5, 2};
constexpr TrainingState kLong{5, 12};
constexpr TrainingState kHead{1, 12};

/// A model of `stream` that learned from window 0.
BelievedModel First(const std::string& stream, int number = 0) { return {stream, number, 0.3}; }

Belief::Accuracy At(const Belief& belief, const BelievedModel& model, double time) {
  return belief.At({model}, time)[0];
}

TEST(BeliefTest, KnowsNothingAtFirstAndSaysSo) {
  const Belief belief;
  EXPECT_NEAR(At(belief, First("a"), 1.5).mean, 0.5, 0.1);
  EXPECT_GT(At(belief, First("a"), 1.5).spread, 0.4);
}

TEST(BeliefTest, WhatWasMeasuredOnManySamplesIsBelieved) {
  Belief belief;
  belief.Right(First("a"), 1.5, 0.8, 5000);
  EXPECT_NEAR(At(belief, First("a"), 1.5).mean, 0.8, 0.01);
  EXPECT_LT(At(belief, First("a"), 1.5).spread, 0.03);
  // Less certain the farther away in time, and in other streams.
  EXPECT_NEAR(At(belief, First("a"), 2).mean, 0.8, 0.03);
  EXPECT_GT(At(belief, First("a"), 2).spread, At(belief, First("a"), 1.5).spread);
  EXPECT_GT(At(belief, First("b", 1), 1.5).spread, At(belief, First("a"), 2).spread);
}

TEST(BeliefTest, FewSamplesMoveItLess) {
  Belief few;
  Belief many;
  for (Belief* belief : {&few, &many}) belief->Right(First("a"), 1.5, 0.8, 1000);
  few.Right(First("a"), 2.5, 0.5, 4);
  many.Right(First("a"), 2.5, 0.5, 1000);
  EXPECT_GT(At(few, First("a"), 2.5).mean, 0.6);
  EXPECT_LT(At(many, First("a"), 2.5).mean, 0.55);
}

TEST(BeliefTest, AModelFallsBehindTheWorldAndTrainingCatchesUp) {
  Belief belief;
  const BelievedModel old = First("a");
  // Window by window it is right less often.
  for (int window = 1; window <= 4; ++window) {
    belief.Right(old, window + 0.5, 0.9 - 0.05 * window, 1000);
  }
  const auto accuracy = [&](TrainingState state) {
    BelievedModel trained = belief.Trained(old, state, 4.3);
    trained.number = 1;
    return At(belief, trained, 5.5).mean;
  };
  EXPECT_LT(At(belief, old, 5.5).mean, 0.7);
  EXPECT_GT(accuracy(kShort), At(belief, old, 5.5).mean);
  EXPECT_GT(accuracy(kLong), accuracy(kShort));
  EXPECT_GT(accuracy(kLong), accuracy(kHead));
}

TEST(BeliefTest, TrainingIsOnItsWayToWhatItLearnsFrom) {
  const Belief belief;
  const BelievedModel base = First("a");
  EXPECT_EQ(belief.Trained(base, {}, 4.3).learned_at, base.learned_at);
  EXPECT_NEAR(belief.Trained(base, {5, 100}, 4.3).learned_at, 4.3, 1e-6);
  const double half = BeliefSettings{}.half_work;
  EXPECT_NEAR(belief.Trained(base, {5, half}, 4.3).learned_at, 2.3, 1e-9);
}

TEST(BeliefTest, ScoresTellWhereTheLabelsHaveShownWhatTheyAreWorth) {
  Belief belief;
  const BelievedModel model = First("a");
  // Scores say 10 points too much, as labels of three windows show.
  for (int window = 1; window <= 3; ++window) {
    belief.Saw(model, {.time = window + 0.3,
                       .labelled = 500,
                       .accuracy = 0.7,
                       .seen = 500,
                       .mean_score = 0.8,
                       .score_deviation = 0.2});
  }
  const double before = At(belief, model, 4.5).mean;
  Belief surer = belief;
  // Nothing is labelled; scores fall.
  Sight unlabelled{.time = 3.9, .seen = 500, .mean_score = 0.65, .score_deviation = 0.2};
  belief.Saw(model, unlabelled);
  EXPECT_LT(At(belief, model, 4.0).mean, before - 0.06);
  EXPECT_NEAR(At(belief, model, 3.9).mean, 0.52, 0.05);
  // The fewer there are, the less they move it.
  unlabelled.seen = 3;
  surer.Saw(model, unlabelled);
  EXPECT_GT(At(surer, model, 4.0).mean, At(belief, model, 4.0).mean);
}

TEST(BeliefTest, AModelThatBeatsAnotherOnTheSameFewSamplesIsBelievedBetter) {
  Belief belief;
  const BelievedModel served = First("a");
  BelievedModel trained = belief.Trained(served, kLong, 1.3);
  trained.number = 1;
  belief.Right(served, 1.5, 0.7, 300);
  const double served_alone = At(belief, served, 1.9).mean;
  belief.Right(served, 1.9, 0.6, 60, 1);
  belief.Right(trained, 1.9, 0.8, 60, 1);
  EXPECT_GT(At(belief, trained, 2.5).mean, At(belief, served, 2.5).mean + 0.03);
  EXPECT_NEAR(At(belief, served, 1.9).mean, served_alone, 0.1);
}

TEST(BeliefTest, ItsSpreadIsHowFarItIsOff) {
  // Worlds that move as the settings say.
  Random random(5);
  const BeliefSettings settings;
  double squares = 0;
  int count = 0;
  for (int world = 0; world < 60; ++world) {
    Belief belief;
    const BelievedModel model{"a", 0, 0};
    const double rate = settings.rate + settings.rate_spread * random.Normal();
    const double middle = 1;
    double level = settings.level * random.Normal();
    for (int window = 1; window <= 8; ++window) {
      // Nearly a Matern process: its mean reverts, its steps are as large as one window's.
      const double away = std::sqrt(3.0) / settings.level_memory;
      const double keep = (1 + away) * std::exp(-away);
      level = keep * level + settings.level * std::sqrt(1 - keep * keep) * random.Normal();
      const double angle = std::clamp(middle + level - rate, 0.0, std::numbers::pi / 2);
      const double truth = std::pow(std::sin(angle), 2);
      const Belief::Accuracy found = belief.At({{"a", 0, window - 1.0}}, window)[0];
      if (window > 2) {
        squares += std::pow((found.mean - truth) / found.spread, 2);
        ++count;
      }
      belief.Right({"a", 0, window - 1.0}, window, truth, 5000);
    }
  }
  EXPECT_GT(squares / count, 0.4);
  EXPECT_LT(squares / count, 1.6);
}

TEST(BeliefTest, TheOldestMeasurementsGoFirstAndNonsenseIsPassedOver) {
  BeliefSettings settings;
  settings.most = 4;
  Belief belief(settings);
  Belief fresh(settings);
  belief.Right(First("a"), 0.5, 0.2, 100'000);
  for (int window = 1; window <= 4; ++window) {
    belief.Right(First("a"), window, 0.8, 1000);
    fresh.Right(First("a"), window, 0.8, 1000);
  }
  EXPECT_NEAR(At(belief, First("a"), 0.5).mean, At(fresh, First("a"), 0.5).mean, 1e-9);
  belief.Right(First("a"), 5, std::nan(""), 1000);
  belief.Right(First("a"), 5, 0.1, 0);
  belief.Saw(First("a"), {.time = 5, .seen = 500, .mean_score = std::nan("")});
  EXPECT_NEAR(At(belief, First("a"), 4).mean, At(fresh, First("a"), 4).mean, 1e-9);
}

}  // namespace
}  // namespace ekya::profile
