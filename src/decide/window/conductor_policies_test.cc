// The loop with the real policies, from labels to swaps, on a virtual clock.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

constexpr double kWindow = 200;

std::vector<FakeStream> Streams() {
  std::vector<FakeStream> streams;
  for (int i = 0; i < 4; ++i) {
    FakeStream stream;
    stream.id = "s" + std::to_string(i);
    stream.accuracy = 0.5 + 0.1 * i;
    stream.trial_accuracy = 0.9;
    stream.retraining_device_seconds = 10 + 5 * i;
    streams.push_back(stream);
  }
  return streams;
}

ConductorSettings PolicySettings() {
  ConductorSettings settings;
  settings.window_seconds = kWindow;
  settings.devices = 2;
  settings.accuracy_floor = 0.35;  // Else a scheduler may find that not serving pays.
  settings.quanta_per_device = 10;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  settings.retraining = {configuration};
  return settings;
}

class ConductorPolicies : public ::testing::TestWithParam<const char*> {
 protected:
  WindowRecord Conduct(FakeWorld& world) {
    auto policy = schedule::MakePolicy(GetParam());
    EXPECT_TRUE(policy.ok()) << policy.error().message;
    Conductor conductor(PolicySettings(), **policy, world.ports());
    Result<WindowRecord> record = conductor.Run(1);
    EXPECT_TRUE(record.ok()) << (record.ok() ? "" : record.error().message);
    return record.ok() ? *record : WindowRecord{};
  }
};

TEST_P(ConductorPolicies, RetrainWhatGainsAndServeEveryStreamThroughout) {
  FakeWorld world(Streams());
  const WindowRecord record = Conduct(world);
  for (const Decision& decision : record.decisions) {
    // What reports tell of a decision: why, for each stream, and how long it took.
    EXPECT_GT(decision.schedule.solve_microseconds, 0);
    ASSERT_EQ(decision.schedule.explanations.size(), 4U);
    for (const Explanation& explanation : decision.schedule.explanations) {
      EXPECT_GT(explanation.text.size(), 20U) << explanation.stream;
    }
  }
  int swapped = 0;
  for (const RetrainingRecord& retraining : record.retrainings) {
    EXPECT_EQ(retraining.outcome, "swapped");
    EXPECT_LE(retraining.end_seconds, kWindow);
    ++swapped;
  }
  EXPECT_EQ(swapped, 4);
  for (const std::vector<Allocation>& allocations : world.applied) {
    ASSERT_EQ(allocations.size(), 4u);
    for (const Allocation& allocation : allocations) EXPECT_GT(allocation.inference_quanta, 0);
  }
  EXPECT_THAT(record.warnings, testing::IsEmpty());
}

TEST_P(ConductorPolicies, LiveThroughFailuresAndCamerasThatComeAndGo) {
  FakeWorld world(Streams());
  world.Find("s0").failure = "loss is NaN";
  world.Find("s1").estimate_factor = 0.4;
  world.At(5, {Event::Kind::kStreamGone, "s2", ""});
  world.At(20, {Event::Kind::kStreamGone, "s3", ""});
  world.At(60, {Event::Kind::kStreamBack, "s2", ""});
  const WindowRecord record = Conduct(world);
  EXPECT_DOUBLE_EQ(record.end_seconds, kWindow);
  EXPECT_DOUBLE_EQ(world.Find("s1").accuracy, 0.9);
  EXPECT_DOUBLE_EQ(world.Find("s0").accuracy, 0.5);
  EXPECT_THAT(world.jobs, testing::IsEmpty());
  EXPECT_LT(record.decisions.size(), 60u);
}

INSTANTIATE_TEST_SUITE_P(All, ConductorPolicies,
                         ::testing::Values("thief", "exact", "uniform:share=0.5"));

TEST(ConductorNone, ServesAndNeverRetrains) {
  FakeWorld world(Streams());
  const auto policy = schedule::MakePolicy("none");
  ASSERT_TRUE(policy.ok());
  Conductor conductor(PolicySettings(), **policy, world.ports());
  const Result<WindowRecord> record = conductor.Run(1);
  ASSERT_TRUE(record.ok());
  EXPECT_THAT(record->retrainings, testing::IsEmpty());
  EXPECT_THAT(world.calls, testing::ElementsAre("apply"));
}

}  // namespace
}  // namespace ekya::window
