#include "decide/profile/trial.h"

#include <gtest/gtest.h>

#include "core/situation.h"

namespace ekya::profile {
namespace {

RetrainingConfiguration Whole(int epochs) {
  RetrainingConfiguration configuration;
  configuration.id = "whole";
  configuration.epochs = epochs;
  return configuration;
}

TEST(TrialTest, SpeaksForWhatDiffersOnlyInLengthAndSamples) {
  const Trial trial{Whole(8), 1, 3};
  RetrainingConfiguration other = Whole(30);
  other.id = "other";
  other.sample_fraction = 0.5;
  EXPECT_TRUE(SpeaksFor(trial, other));
  const auto differs = [&](auto change) {
    RetrainingConfiguration changed = other;
    change(changed);
    return !SpeaksFor(trial, changed);
  };
  EXPECT_TRUE(differs([](auto& c) { c.trained_stages = 1; }));
  EXPECT_TRUE(differs([](auto& c) { c.last_hidden = 64; }));
  EXPECT_TRUE(differs([](auto& c) { c.batch_size = 8; }));
  EXPECT_TRUE(differs([](auto& c) { c.learning_rate = 0.1; }));
  EXPECT_TRUE(differs([](auto& c) { c.augmentation = false; }));
  EXPECT_TRUE(differs([](auto& c) { c.balanced = false; }));
  EXPECT_TRUE(differs([](auto& c) { c.distillation = 3; }));
}

TEST(TrialTest, EpochsLeftCountWhatWasTrainedOn) {
  EXPECT_EQ(EpochsLeft(Whole(8), {Whole(8), 1, 3}, 3), 5);
  EXPECT_EQ(EpochsLeft(Whole(3), {Whole(8), 1, 3}, 3), 0);
  EXPECT_EQ(EpochsLeft(Whole(2), {Whole(8), 1, 3}, 3), 0) << "never fewer than none";
  EXPECT_DOUBLE_EQ(EpochsLeft(Whole(8), {Whole(8), 0.1, 5}, 5), 7.5);
  RetrainingConfiguration half = Whole(8);
  half.sample_fraction = 0.5;
  EXPECT_DOUBLE_EQ(EpochsLeft(half, {Whole(8), 0.25, 4}, 4), 6);
  EXPECT_DOUBLE_EQ(EpochsLeft(half, {Whole(8), 1, 4}, 4), 4) << "an epoch is an epoch at most";
}

TEST(TrialTest, AFewSamplesMakeNoCertainty) {
  TrialResult result;
  result.accuracy = {0.5, 1};
  result.start_accuracy = 0;
  EXPECT_EQ(Likely(result).accuracy[1], 1) << "nothing is known of it";
  result.held_out = 9;
  EXPECT_DOUBLE_EQ(Likely(result).accuracy[0], 0.5);
  EXPECT_DOUBLE_EQ(Likely(result).accuracy[1], 0.95);
  EXPECT_DOUBLE_EQ(Likely(result).start_accuracy, 0.05);
}

TEST(TrialTest, BehindAGateWhatIsLittleKnownIsWorthTrying) {
  const auto at = [](double accuracy, double spread) {
    return ExpectedBehindGate({"c", accuracy, 1, spread}, 0.6);
  };
  EXPECT_DOUBLE_EQ(at(0.8, 0), 0.8);
  EXPECT_DOUBLE_EQ(at(0.3, 0), 0.6) << "the served model stays";
  // The mean of a normal variable's upper half: spread / sqrt(2 pi).
  EXPECT_NEAR(at(0.6, 0.1), 0.6 + 0.1 * 0.398942, 1e-6);
  EXPECT_GT(at(0.5, 0.2), at(0.5, 0.1));
  EXPECT_GT(at(0.5, 0.1), 0.6);
  EXPECT_NEAR(at(0.9, 0.05), 0.9, 1e-6) << "a clear gain is taken as it is";
  EXPECT_LE(at(1, 0.3), 1);
}

}  // namespace
}  // namespace ekya::profile
