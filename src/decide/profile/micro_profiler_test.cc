#include "decide/profile/micro_profiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ekya::profile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RetrainingConfiguration Configuration(const std::string& id, int epochs, double fraction,
                                      int stages = 5) {
  RetrainingConfiguration configuration;
  configuration.id = id;
  configuration.epochs = epochs;
  configuration.sample_fraction = fraction;
  configuration.trained_stages = stages;
  return configuration;
}

std::vector<RetrainingConfiguration> Grid() {
  return {Configuration("e5-f50-d1", 5, 0.5, 1), Configuration("e30-f100-d1", 30, 1, 1),
          Configuration("e5-f50-d5", 5, 0.5, 5), Configuration("e30-f50-d5", 30, 0.5, 5),
          Configuration("e30-f100-d5", 30, 1, 5)};
}

TrialResult Measured(std::vector<double> accuracy) {
  TrialResult result;
  result.accuracy = std::move(accuracy);
  result.start_accuracy = 0.55;
  result.held_out = 200;
  result.trial_samples = 100;
  result.full_samples = 1000;
  result.device_seconds_per_epoch = 0.2;
  return result;
}

std::vector<std::string> Ids(const std::vector<RetrainingConfiguration>& configurations) {
  std::vector<std::string> ids;
  for (const auto& configuration : configurations) ids.push_back(configuration.id);
  return ids;
}

TEST(MicroProfiler, OneTrialSpeaksForAllEpochsAndFractionsOfADepth) {
  const MicroProfiler profiler({}, Grid());
  const std::vector<Trial> trials = profiler.Trials("lobby");
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(trials[0].configuration.id, "e30-f100-d1");
  EXPECT_EQ(trials[1].configuration.id, "e30-f100-d5");
  EXPECT_EQ(trials[1].epochs, 5);
  EXPECT_DOUBLE_EQ(trials[1].sample_fraction, 0.1);
  for (const auto& configuration : Grid()) {
    EXPECT_EQ(profiler.SpeaksFor(trials[0], configuration), configuration.trained_stages == 1);
  }
  MicroProfilerSettings apart;
  apart.share_trials = false;
  EXPECT_EQ(MicroProfiler(apart, Grid()).Trials("lobby").size(), 5u);
}

TEST(MicroProfiler, ATrialIsNeverLongerThanWhatItSpeaksFor) {
  const MicroProfiler profiler({}, {Configuration("tiny", 2, 0.05)});
  EXPECT_EQ(profiler.Trials("lobby")[0].epochs, 2);
  EXPECT_DOUBLE_EQ(profiler.Trials("lobby")[0].sample_fraction, 0.05);
}

TEST(MicroProfiler, AFewWantedConfigurationsGetTheirTrialsAlone) {
  const MicroProfiler profiler({}, Grid());
  const std::vector<Trial> trials = profiler.Trials("lobby", {"e5-f50-d5"});
  ASSERT_EQ(trials.size(), 1u);
  EXPECT_EQ(trials[0].configuration.id, "e5-f50-d5");
  EXPECT_TRUE(profiler.Trials("lobby", {}).empty());
}

TEST(MicroProfiler, DeviceSecondsScaleInSamplesAndEpochs) {
  const MicroProfiler profiler({}, Grid());
  const Trial trial = profiler.Trials("lobby")[1];
  TrialResult result = Measured({0.6, 0.65});
  EXPECT_NEAR(profiler.Estimate(trial, result)->device_seconds, 0.2 * 10 * 30, 1e-9);
  EXPECT_NEAR(profiler.Estimate(Grid()[2], trial, result)->device_seconds, 0.2 * 5 * 5, 1e-9);
  // What is computed once grows with the samples alone.
  result.device_seconds_once = 0.7;
  EXPECT_NEAR(profiler.Estimate(trial, result)->device_seconds, 0.2 * 10 * 30 + 0.7 * 10, 1e-9);
}

TEST(MicroProfiler, MoreTrainingIsNeverEstimatedWorse) {
  const MicroProfiler profiler({}, Grid());
  const Trial trial = profiler.Trials("lobby")[1];
  for (const auto& accuracy : std::vector<std::vector<double>>{
           {0.6, 0.65, 0.7, 0.72, 0.73}, {0.5, 0.4, 0.3}, {0.6}, {0, 0, 0}, {1, 1}}) {
    const TrialResult result = Measured(accuracy);
    const double small = profiler.Estimate(Grid()[2], trial, result)->accuracy;
    const double medium = profiler.Estimate(Grid()[3], trial, result)->accuracy;
    const double large = profiler.Estimate(Grid()[4], trial, result)->accuracy;
    EXPECT_LE(small, medium);
    EXPECT_LE(medium, large);
    EXPECT_GE(small, 0);
    EXPECT_LE(large, 1);
  }
}

TEST(MicroProfiler, ALearningTrialPromisesMoreThanItReached) {
  const MicroProfiler profiler({}, Grid());
  const Trial trial = profiler.Trials("lobby")[1];
  EXPECT_GT(profiler.Estimate(trial, Measured({0.62, 0.68, 0.72, 0.75, 0.77}))->accuracy, 0.85);
  EXPECT_LT(profiler.Estimate(trial, Measured({0.55, 0.56, 0.54, 0.55, 0.56}))->accuracy, 0.70);
}

TEST(MicroProfiler, ATrialThatWasTheWholeTrainingIsTakenAtItsWord) {
  const MicroProfiler profiler({}, {Configuration("e2", 2, 1)});
  Trial trial{Configuration("e2", 2, 1), 1, 2};
  TrialResult result = Measured({0.9, 0.7});
  result.trial_samples = 1000;
  const RetrainingProfile profile = *profiler.Estimate(trial, result);
  EXPECT_DOUBLE_EQ(profile.accuracy, 0.7);
  EXPECT_NEAR(profile.spread, std::sqrt(0.7 * 0.3 / 200), 1e-9);
  result.held_out = 0;
  EXPECT_DOUBLE_EQ(profiler.Estimate(trial, result)->spread, 0);
}

TEST(MicroProfiler, FewHeldOutSamplesMakeAWideSpread) {
  const MicroProfiler profiler({}, Grid());
  const Trial trial = profiler.Trials("lobby")[1];
  TrialResult result = Measured({0.6, 0.66, 0.7});
  const double many = profiler.Estimate(trial, result)->spread;
  result.held_out = 10;
  EXPECT_GT(profiler.Estimate(trial, result)->spread, many);
}

TEST(MicroProfiler, RefusesATrialThatMeasuredNothing) {
  const MicroProfiler profiler({}, Grid());
  const Trial trial = profiler.Trials("lobby")[1];
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(profiler.Estimate(trial, Measured({})).ok());
  EXPECT_FALSE(profiler.Estimate(trial, Measured({nan})).ok());
  EXPECT_FALSE(profiler.Estimate(trial, Measured({nan, 0.5})).ok());
  TrialResult no_samples = Measured({0.5});
  no_samples.trial_samples = 0;
  const Result<RetrainingProfile> refused = profiler.Estimate(trial, no_samples);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("e30-f100-d5"));
  TrialResult no_time = Measured({0.5});
  no_time.device_seconds_per_epoch = nan;
  EXPECT_FALSE(profiler.Estimate(trial, no_time).ok());
}

TEST(MicroProfiler, DropsTheFarthestFromTheFrontEverySecondWindow) {
  MicroProfilerSettings settings;
  settings.prune_fraction = 0.2;
  MicroProfiler profiler(settings, Grid());
  const std::vector<RetrainingProfile> profiles = {{"e5-f50-d1", 0.70, 5, 0},
                                                   {"e30-f100-d1", 0.60, 50, 0},  // Far behind.
                                                   {"e5-f50-d5", 0.80, 10, 0},
                                                   {"e30-f50-d5", 0.79, 20, 0},  // A bit behind.
                                                   {"e30-f100-d5", 0.90, 60, 0}};
  profiler.EndWindow("lobby", profiles);
  EXPECT_EQ(profiler.Candidates("lobby").size(), 5u);
  profiler.EndWindow("lobby", profiles);
  EXPECT_THAT(Ids(profiler.Candidates("lobby")),
              ElementsAre("e5-f50-d1", "e5-f50-d5", "e30-f50-d5", "e30-f100-d5"));
  EXPECT_EQ(profiler.Candidates("door").size(), 5u);
  for (int window = 0; window < 10; ++window) profiler.EndWindow("lobby", profiles);
  EXPECT_THAT(Ids(profiler.Candidates("lobby")),
              ElementsAre("e5-f50-d1", "e5-f50-d5", "e30-f100-d5"));
}

TEST(MicroProfiler, PruningLeavesWhatHasNoProfileAndEnoughCandidates) {
  MicroProfilerSettings settings;
  settings.prune_every = 1;
  settings.prune_fraction = 1;
  settings.keep_at_least = 3;
  MicroProfiler profiler(settings, Grid());
  profiler.EndWindow("lobby", {});
  EXPECT_EQ(profiler.Candidates("lobby").size(), 5u);
  profiler.EndWindow("lobby", {{"e5-f50-d1", 0.9, 1, 0},
                               {"e30-f100-d1", 0.5, 20, 0},
                               {"e5-f50-d5", 0.5, 21, 0},
                               {"e30-f50-d5", 0.5, 22, 0}});
  EXPECT_EQ(profiler.Candidates("lobby").size(), 3u);
}

TEST(MicroProfiler, LearnsHowFarItsEstimatesAreOff) {
  MicroProfiler profiler({}, Grid());
  const RetrainingProfile estimate{"e5-f50-d1", 0.8, 10, 0};
  const RetrainingProfile measured{"e5-f50-d1", 0.7, 25, 0};
  EXPECT_DOUBLE_EQ(profiler.Corrected("lobby", estimate).device_seconds, 10);
  EXPECT_DOUBLE_EQ(profiler.Corrected("lobby", estimate).accuracy, 0.8);
  for (int window = 0; window < 20; ++window) {
    profiler.Corrected("lobby", estimate);
    profiler.Measured("lobby", measured);
  }
  EXPECT_NEAR(profiler.Corrected("lobby", estimate).device_seconds, 25, 1);
  EXPECT_NEAR(profiler.Corrected("lobby", estimate).accuracy, 0.7, 0.01);
  // A stream that never retrained profits, less surely.
  EXPECT_GT(profiler.Corrected("door", estimate).device_seconds, 15);
  EXPECT_LT(profiler.Corrected("door", estimate).accuracy, 0.75);
  MicroProfilerSettings plain;
  plain.correct = false;
  MicroProfiler uncorrected(plain, Grid());
  uncorrected.Corrected("lobby", estimate);
  uncorrected.Measured("lobby", measured);
  EXPECT_DOUBLE_EQ(uncorrected.Corrected("lobby", estimate).accuracy, 0.8);
}

TEST(MicroProfiler, KnowsWhatWasMeasuredBeforeWhatWasEstimated) {
  MicroProfiler profiler({}, Grid());
  RetrainingProfile measured{"e5-f50-d1", 0.7, 25, 0};
  profiler.Measured("lobby", measured);
  EXPECT_DOUBLE_EQ(profiler.LastKnown("lobby", "e5-f50-d1")->device_seconds, 25);
  EXPECT_DOUBLE_EQ(profiler.LastKnown("lobby", "e5-f50-d1")->accuracy, 0.7);
  EXPECT_FALSE(profiler.LastKnown("lobby", "other").has_value());
  profiler.EndWindow("lobby", {{"other", 0.6, 3, 0}, {"e5-f50-d1", 0.9, 9, 0}});
  EXPECT_DOUBLE_EQ(profiler.LastKnown("lobby", "other")->device_seconds, 3);
  EXPECT_DOUBLE_EQ(profiler.LastKnown("lobby", "e5-f50-d1")->device_seconds, 25);
  measured.device_seconds = std::numeric_limits<double>::quiet_NaN();
  profiler.Measured("lobby", measured);
  EXPECT_DOUBLE_EQ(profiler.LastKnown("lobby", "e5-f50-d1")->device_seconds, 25);
}

TEST(DistanceFromFront, IsZeroOnTheFrontAndGrowsBehindIt) {
  const std::vector<RetrainingProfile> profiles = {
      {"a", 0.5, 1, 0}, {"b", 0.9, 11, 0}, {"c", 0.5, 11, 0}, {"d", 0.85, 10, 0}};
  EXPECT_DOUBLE_EQ(DistanceFromFront(profiles, 0), 0);
  EXPECT_DOUBLE_EQ(DistanceFromFront(profiles, 1), 0);
  EXPECT_DOUBLE_EQ(DistanceFromFront(profiles, 3), 0);
  EXPECT_GT(DistanceFromFront(profiles, 2), 0);
  EXPECT_DOUBLE_EQ(DistanceFromFront({{"only", 0.5, 1, 0}}, 0), 0);
}

TEST(EffectiveEpochs, CountsTheFirstInFullAndRepetitionsLess) {
  EXPECT_DOUBLE_EQ(EffectiveEpochs(0), 0);
  EXPECT_DOUBLE_EQ(EffectiveEpochs(0.5), 0.5);
  EXPECT_DOUBLE_EQ(EffectiveEpochs(1), 1);
  EXPECT_NEAR(EffectiveEpochs(4), 3.7, 0.1);
  EXPECT_LT(EffectiveEpochs(1000), 15.0001);
  for (int epochs = 1; epochs < 60; ++epochs) {
    EXPECT_GT(EffectiveEpochs(epochs + 1), EffectiveEpochs(epochs));
  }
}

TEST(KeepTraining, StopsOnAPlateauAndOnNonsense) {
  EXPECT_TRUE(KeepTraining({}));
  EXPECT_TRUE(KeepTraining({0.5}));
  EXPECT_TRUE(KeepTraining({0.5, 0.5}));
  EXPECT_TRUE(KeepTraining({0.5, 0.6, 0.7}));
  EXPECT_TRUE(KeepTraining({0.5, 0.4, 0.51}));
  EXPECT_FALSE(KeepTraining({0.7, 0.7, 0.702}));
  EXPECT_FALSE(KeepTraining({0.7, 0.6, 0.5}));
  EXPECT_FALSE(KeepTraining({1.0}));
  EXPECT_FALSE(KeepTraining({0.5, std::numeric_limits<double>::quiet_NaN()}));
}

}  // namespace
}  // namespace ekya::profile
