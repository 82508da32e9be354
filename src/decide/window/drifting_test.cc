// What the conductor does about drift.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A camera whose mix of classes turns at `turn`; its model's version changes at `swapped`.
auto Turning(double turn, double swapped) {
  return [turn, swapped](double from, double to) {
    std::vector<ServedResult> results;
    for (int i = 0; i < 20'000; ++i) {
      const double time = i * 0.1;
      if (time < from || time >= to) continue;
      Random random(static_cast<std::uint64_t>(i) + 1);
      random.Bits();
      const double cars = time < turn ? 0.3 : 0.8;
      results.push_back({time, time < swapped ? 1 : 2, random.Uniform() < cars ? 1 : 0,
                         random.Uniform(0.6, 0.9)});
    }
    return results;
  };
}

ConductorSettings DriftingSettings(DriftUse drift) {
  ConductorSettings settings;
  settings.window_seconds = 100;
  settings.quanta_per_device = 10;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  settings.retraining = {configuration};
  settings.drift = drift;
  return settings;
}

struct Drifting {
  Drifting(DriftUse drift, double turn, double swapped)
      : world(std::vector<FakeStream>(1)),
        conductor(DriftingSettings(drift), policy, world.ports()) {
    world.streams[0].id = "lobby";
    world.Find("lobby").served = Turning(turn, swapped);
    world.Find("lobby").labels = LabelSummary{100, {50, 50}};
    world.Find("lobby").labels->judged_accuracy = 0.8;
    world.Find("lobby").labels->judged = 50;
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

TEST(Drifting, AQuietStreamIsLeftAloneUntilItDrifts) {
  Drifting test(DriftUse::kAct, /*turn=*/460, /*swapped=*/20);
  std::vector<bool> retrained;
  for (int window = 0; window < 7; ++window) {
    const WindowRecord record = test.Run(window);
    retrained.push_back(!record.retrainings.empty());
    if (record.drift.contains("lobby") && record.drift.at("lobby").skipped) {
      EXPECT_THAT(record.retrainings, IsEmpty());
      EXPECT_THAT(record.drift.at("lobby").reason, HasSubstr("no drift since"));
    }
    EXPECT_THAT(record.warnings, IsEmpty());
  }
  EXPECT_TRUE(retrained[0]);
  EXPECT_GE(std::count(retrained.begin(), retrained.begin() + 5, false), 2);
  EXPECT_TRUE(retrained[5] || retrained[6]) << "after the turn";
}

TEST(Drifting, ADriftWhileNothingRetrainsEndsTheWindowEarly) {
  Drifting test(DriftUse::kAct, /*turn=*/250, /*swapped=*/20);
  bool early = false;
  double end = 0;
  for (int window = 0; window < 5; ++window) {
    const WindowRecord record = test.Run(window);
    EXPECT_DOUBLE_EQ(record.start_seconds, end);
    end = record.end_seconds;
    if (record.ended_early.empty()) {
      EXPECT_DOUBLE_EQ(record.end_seconds - record.start_seconds, 100);
      continue;
    }
    early = true;
    EXPECT_THAT(record.ended_early, HasSubstr("lobby: classes and scores are others"));
    EXPECT_LT(record.end_seconds - record.start_seconds, 100);
    EXPECT_GT(record.end_seconds, 250);
    EXPECT_LE(record.end_seconds, 300);
  }
  EXPECT_TRUE(early);
  EXPECT_THAT(test.world.jobs, IsEmpty());
}

TEST(Drifting, WatchingRecordsAndChangesNothing) {
  Drifting watched(DriftUse::kWatch, 250, 20);
  Drifting off(DriftUse::kOff, 250, 20);
  bool seen = false;
  for (int window = 0; window < 6; ++window) {
    const WindowRecord record = watched.Run(window);
    const WindowRecord plain = off.Run(window);
    EXPECT_THAT(record.drift, SizeIs(1));
    EXPECT_THAT(plain.drift, IsEmpty());
    EXPECT_FALSE(record.drift.at("lobby").skipped);
    EXPECT_THAT(record.ended_early, IsEmpty());
    seen = seen || record.drift.at("lobby").drifted;
    EXPECT_EQ(record.decisions.size(), plain.decisions.size());
    EXPECT_EQ(record.retrainings.size(), plain.retrainings.size());
  }
  EXPECT_EQ(watched.world.calls, off.world.calls);
  EXPECT_EQ(watched.world.Now(), off.world.Now());
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace ekya::window
