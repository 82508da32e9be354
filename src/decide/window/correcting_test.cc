// Predictions that turn out to be off by more than their spread, while the window goes on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ConductorSettings CorrectingSettings() {
  ConductorSettings settings;
  settings.window_seconds = 100;
  settings.quanta_per_device = 10;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  settings.retraining = {configuration};
  return settings;
}

FakeStream Learning(const std::string& id) {
  FakeStream stream;
  stream.id = id;
  return stream;
}

struct Correcting {
  explicit Correcting(std::vector<FakeStream> streams)
      : world(std::move(streams)), conductor(CorrectingSettings(), policy, world.ports()) {}

  WindowRecord Run(int window) {
    Result<WindowRecord> record = conductor.Run(window);
    EXPECT_TRUE(record.ok()) << (record.ok() ? "" : record.error().message);
    return record.ok() ? *record : WindowRecord{};
  }
  std::vector<std::string> Reasons(const WindowRecord& record) const {
    std::vector<std::string> reasons;
    for (const Decision& decision : record.decisions) reasons.push_back(decision.reason);
    return reasons;
  }

  FakeWorld world;
  OneAtATime policy;
  Conductor conductor;
};

TEST(Correcting, ARetrainingThatTakesLongerIsCorrectedAndDecidedOnAgain) {
  Correcting test({Learning("lobby")});
  FakeStream& lobby = test.world.Find("lobby");
  lobby.retraining_device_seconds = 20;
  lobby.estimate_factor = 0.3;
  const WindowRecord record = test.Run(1);
  ASSERT_FALSE(record.corrections.empty());
  const CorrectionRecord& first = record.corrections.front();
  EXPECT_EQ(first.what, "device_seconds");
  EXPECT_NEAR(first.predicted, 6, 1e-9);
  EXPECT_GT(first.corrected, 6 * std::exp(0.1));
  EXPECT_THAT(test.Reasons(record),
              Contains(AllOf(HasSubstr("retraining of lobby takes"), HasSubstr("not 6"))));
  // Not at every instant: a few times until it ends.
  EXPECT_LT(record.decisions.size(), 15u);
  ASSERT_EQ(record.retrainings.size(), 1u);
  EXPECT_EQ(record.retrainings[0].outcome, "swapped");
  EXPECT_NEAR(record.retrainings[0].predicted_device_seconds, 6, 1e-9) << "as it was promised";
  EXPECT_DOUBLE_EQ(record.retrainings[0].device_seconds, 20);
}

TEST(Correcting, WorkThatGoesOnWhileItIsDecidedOnIsNoHurry) {
  Correcting test({Learning("lobby")});
  FakeStream& lobby = test.world.Find("lobby");
  lobby.retraining_device_seconds = 5;
  lobby.unseen_device_seconds = 30;
  test.world.At(3, {Event::Kind::kStreamBack, "lobby", ""});  // Decides while it trains.
  const WindowRecord record = test.Run(1);
  EXPECT_LT(record.decisions.size(), 30u);
  ASSERT_EQ(record.retrainings.size(), 1u);
  EXPECT_EQ(record.retrainings[0].outcome, "swapped");
}

TEST(Correcting, EpochsTellOfTheEndLongBeforeIt) {
  Correcting test({Learning("lobby")});
  FakeStream& lobby = test.world.Find("lobby");
  lobby.retraining_device_seconds = 20;
  lobby.estimate_factor = 0.3;
  lobby.epochs = std::vector<double>(10, 0.9);
  const WindowRecord record = test.Run(1);
  ASSERT_EQ(record.corrections.size(), 1u) << "known after the second epoch, once and for all";
  EXPECT_NEAR(record.corrections[0].corrected, 20, 1e-6);
  EXPECT_NEAR(record.corrections[0].time_seconds, 1 + 4 / 0.8, 1e-6);
  // The policy hears what is left.
  bool told = false;
  for (const Situation& situation : test.policy.asked) {
    const auto& running = situation.streams[0].running;
    told = told || (running && std::abs(running->device_seconds - 16) < 1e-6);
  }
  EXPECT_TRUE(told);
}

TEST(Correcting, ARetrainingThatEndsEarlyCostsLessFromThenOn) {
  Correcting test({Learning("lobby")});
  FakeStream& lobby = test.world.Find("lobby");
  // Twenty epochs of a second each are planned; after eight nothing is gained any more.
  lobby.retraining_device_seconds = 8;
  lobby.estimate_factor = 2.5;
  lobby.epochs = {0.85, 0.88, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9};
  lobby.planned_epochs = 20;
  const WindowRecord first = test.Run(1);
  ASSERT_EQ(first.retrainings.size(), 1u);
  EXPECT_THAT(first.corrections, IsEmpty()) << "up to its end it went as planned";
  EXPECT_NEAR(first.retrainings[0].predicted_device_seconds, 20, 1e-9);
  EXPECT_DOUBLE_EQ(first.retrainings[0].device_seconds, 8);
  EXPECT_EQ(first.retrainings[0].outcome, "swapped");
  EXPECT_THAT(test.Reasons(first), testing::ElementsAre("window start", "retraining of lobby done"))
      << "what it leaves is given away at once";
  double last = 20;
  for (int window = 2; window < 5; ++window) {
    lobby.accuracy = 0.6;
    const WindowRecord record = test.Run(window);
    ASSERT_EQ(record.retrainings.size(), 1u);
    EXPECT_LT(record.retrainings[0].predicted_device_seconds, last);
    last = record.retrainings[0].predicted_device_seconds;
  }
  EXPECT_LT(last, 12);
}

TEST(Correcting, WhatGoesAsExpectedIsNoReason) {
  Correcting test({Learning("lobby")});
  test.world.Find("lobby").epochs = {0.85, 0.88, 0.89, 0.9, 0.9};
  const WindowRecord record = test.Run(1);
  EXPECT_THAT(record.corrections, IsEmpty());
  EXPECT_THAT(test.Reasons(record),
              testing::ElementsAre("window start", "retraining of lobby done"));
}

TEST(Correcting, ARetrainingThatWillNotGetThereIsSaidSoAndMayBeStopped) {
  Correcting test({Learning("lobby")});
  FakeStream& lobby = test.world.Find("lobby");
  lobby.trial_accuracy = 0.95;
  lobby.real_accuracy = 0.5;
  lobby.epochs = std::vector<double>(10, 0.5);
  OneAtATime inner;
  // Stops what brings nothing any more.
  test.policy.override_decision =
      [&](const Situation& situation) -> std::optional<Result<Schedule>> {
    const StreamSituation& stream = situation.streams[0];
    Situation seen = situation;
    if (stream.running && stream.retraining[0].accuracy <= stream.accuracy + 0.02) {
      seen.streams[0].running.reset();
      seen.streams[0].retrained = true;
      seen.streams[0].retraining.clear();
    }
    return inner.Decide(seen);
  };
  // What the first epochs are worth is learned from trainings that have ended.
  const WindowRecord first = test.Run(1);
  ASSERT_FALSE(first.corrections.empty());
  EXPECT_EQ(first.corrections[0].what, "accuracy");
  EXPECT_DOUBLE_EQ(first.corrections[0].predicted, 0.95);
  EXPECT_LT(first.corrections[0].corrected, 0.7);
  EXPECT_THAT(test.Reasons(first), Contains(HasSubstr("retraining of lobby will reach")));
  ASSERT_EQ(first.retrainings.size(), 1u);
  EXPECT_EQ(first.retrainings[0].outcome, "cancelled: the scheduler stopped it");
  EXPECT_LT(first.retrainings[0].device_seconds, 9);
  EXPECT_THAT(test.world.jobs, IsEmpty());
}

TEST(Correcting, WhatOneStreamAchievedCorrectsWhatTheOthersExpect) {
  Correcting test({Learning("lobby"), Learning("door")});
  test.world.Find("lobby").trial_accuracy = 0.95;
  test.world.Find("lobby").real_accuracy = 0.65;
  const WindowRecord record = test.Run(1);
  ASSERT_EQ(record.retrainings.size(), 2u);
  EXPECT_EQ(record.retrainings[0].stream, "lobby");
  EXPECT_EQ(record.retrainings[0].predicted_accuracy, 0.95);
  EXPECT_EQ(record.retrainings[0].achieved_accuracy, 0.65);
  EXPECT_THAT(test.Reasons(record), Contains(HasSubstr("what door expects is corrected by lobby")));
  EXPECT_LT(record.retrainings[1].predicted_accuracy, 0.87);
  EXPECT_GT(record.retrainings[1].predicted_accuracy, 0.65);
  // As expected: nothing to correct.
  Correcting usual({Learning("lobby"), Learning("door")});
  EXPECT_THAT(usual.Reasons(usual.Run(1)), Not(Contains(HasSubstr("corrected"))));
}

// Whatever trainings take and give: windows end in time, shares are never given to a training that
// is not there, and as windows pass estimates come nearer to what is achieved.
TEST(Correcting, HoldsInWorldsWhoseEstimatesAreOff) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    std::vector<FakeStream> streams;
    for (int i = 0; i < 3; ++i) {
      FakeStream stream = Learning("s" + std::to_string(i));
      stream.inference = {{"every-1", 0.1, 1.0}};
      stream.trial_accuracy = random.Uniform(0.5, 0.95);
      stream.real_accuracy = random.Uniform(0.4, 0.95);
      stream.retraining_device_seconds = random.Uniform(3, 40);
      stream.estimate_factor = random.Uniform(0.2, 3);
      if (random.Uniform() < 0.3) stream.failure = "loss is NaN";
      if (random.Uniform() < 0.7) stream.epochs.assign(1 + random.Below(12), stream.real_accuracy);
      streams.push_back(stream);
    }
    Correcting test(streams);
    double first_off = 0;
    double last_off = 0;
    for (int window = 1; window <= 12; ++window) {
      const WindowRecord record = test.Run(window);
      EXPECT_DOUBLE_EQ(record.end_seconds, 100 * window) << seed;
      EXPECT_LT(record.decisions.size(), 60u) << seed;
      EXPECT_THAT(test.world.jobs, IsEmpty()) << seed;
      for (const CorrectionRecord& correction : record.corrections) {
        EXPECT_TRUE(std::isfinite(correction.corrected)) << seed;
        EXPECT_GT(correction.corrected, 0) << seed;
      }
      for (const RetrainingRecord& retraining : record.retrainings) {
        if (retraining.outcome != "swapped") continue;
        const double off =
            std::abs(std::log(retraining.device_seconds / retraining.predicted_device_seconds));
        if (window == 1) first_off = std::max(first_off, off);
        if (window == 12) last_off = std::max(last_off, off);
      }
      for (FakeStream& stream : test.world.streams) stream.accuracy = 0.3;
    }
    if (first_off > 0.5) {
      EXPECT_LT(last_off, 0.6 * first_off) << seed;
    }
  }
}

}  // namespace
}  // namespace ekya::window
