// Profiles by shared belief in the conductor.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

ConductorSettings SharingSettings() {
  ConductorSettings settings;
  settings.window_seconds = 100;
  settings.quanta_per_device = 10;
  settings.profiler = ProfilerUse::kShared;
  settings.profiling.sample_fraction = 0.02;
  settings.profiling.epochs = 3;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  configuration.epochs = 15;
  RetrainingConfiguration longer = configuration;
  longer.id = "e30";
  longer.epochs = 30;
  settings.retraining = {configuration, longer};
  return settings;
}

struct Sharing {
  Sharing()
      : world(std::vector<FakeStream>(1)), conductor(SharingSettings(), policy, world.ports()) {
    FakeStream& lobby = world.streams[0];
    lobby.id = "lobby";
    lobby.trial_epochs = -1;
    lobby.trial_device_seconds = 0.02;
    lobby.labels = LabelSummary{100, {50, 50}};
    lobby.labels->held_out_accuracy = 0.6;
    lobby.labels->held_out = 200;
  }
  WindowRecord Run(int window) {
    Result<WindowRecord> record = conductor.Run(window);
    EXPECT_TRUE(record.ok()) << (record.ok() ? "" : record.error().message);
    return record.ok() ? *record : WindowRecord{};
  }

  FakeWorld world;
  OneAtATime policy;
  Conductor conductor;
};

TEST(Sharing, ATrialGoesOnRungByRungAndSpeaksForAll) {
  Sharing test;
  const WindowRecord record = test.Run(1);
  EXPECT_THAT(test.world.calls,
              IsSupersetOf({"trial lobby e15", "trial lobby e15 on", "start lobby e15"}));
  EXPECT_FALSE(test.world.Called("trial lobby e30"));
  ASSERT_THAT(record.profiles.at("lobby"), SizeIs(2));
  for (const RetrainingProfile& profile : record.profiles.at("lobby")) {
    EXPECT_GT(profile.spread, 0);
    EXPECT_GT(profile.device_seconds, 0);
    EXPECT_GT(profile.accuracy, 0.6);
  }
  // What the trial has done need not be done again.
  ASSERT_THAT(record.retrainings, SizeIs(1));
  EXPECT_LT(record.retrainings[0].predicted_device_seconds,
            record.profiles.at("lobby")[0].device_seconds);
  EXPECT_GT(record.profiling_seconds, 0);
  EXPECT_THAT(record.warnings, IsEmpty());
}

TEST(Sharing, WhatWasAchievedIsBelieved) {
  Sharing test;
  FakeStream& lobby = test.world.streams[0];
  // On held-out samples, which flatter.
  lobby.labels->held_out_accuracy = 0.85;
  lobby.trial_accuracy = 0.9;
  lobby.retraining_device_seconds = 2;
  std::vector<double> expected;
  for (int window = 1; window <= 8; ++window) {
    const WindowRecord record = test.Run(window);
    ASSERT_FALSE(record.profiles.at("lobby").empty());
    expected.push_back(record.profiles.at("lobby")[0].accuracy);
    // The labels of the window say what its model was worth.
    lobby.labels->judged_accuracy = 0.75;
    lobby.labels->judged = 300;
  }
  // Most of what held-out samples say too much is seen through.
  EXPECT_LT(expected.back(), 0.8);
  EXPECT_GT(expected.back(), 0.7);
}

TEST(Sharing, AFailedTrialCostsTheStreamNothingElse) {
  Sharing test;
  test.world.streams[0].trial_error = Error{ErrorCode::kFailed, "loss is NaN"};
  const WindowRecord record = test.Run(1);
  EXPECT_THAT(record.warnings, ElementsAre(::testing::HasSubstr("loss is NaN")));
  EXPECT_THAT(record.retrainings, IsEmpty());
  EXPECT_DOUBLE_EQ(record.end_seconds, 100);
}

}  // namespace
}  // namespace ekya::window
