#include "run/simulator/cached.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya::simulator {
namespace {

using ::testing::HasSubstr;

// Days and nights by turns, two windows each: a model is right for windows like its own (0.9) and
// wrong for the others (0.5); what never changes has 0.6.
Trace DaysAndNights() {
  Trace trace;
  trace.window_seconds = 100;
  TracedStream stream;
  stream.id = "s";
  stream.inference = {{"every-1", 0.5, 1.0}};
  const auto day = [](int window) { return window / 2 % 2 == 0; };
  for (int w = 0; w < 8; ++w) {
    TracedWindow window;
    window.accuracy = 0.6;
    TracedRetraining retraining;
    retraining.id = "r";
    retraining.accuracy = 0.9;
    for (int next = w + 1; next < 8; ++next) {
      retraining.later.push_back(day(next) == day(w) ? 0.9 : 0.5);
    }
    retraining.later.push_back(0.5);
    window.retraining = {retraining};
    window.class_mix = day(w) ? std::vector{0.8, 0.2} : std::vector{0.3, 0.7};
    window.seconds_of_day = day(w) ? 43200 : (w % 2 == 0 ? 86000 : 400);  // Around midnight.
    window.objects = day(w) ? 12 : 3;
    window.location = {0, 0};
    stream.windows.push_back(window);
  }
  trace.streams.push_back(stream);
  return trace;
}

SimulationResult Simulated(const Trace& trace, const std::string& scheduler) {
  SimulationSettings settings;
  settings.scheduler = scheduler;
  const auto result = Simulate(trace, settings);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? *result : SimulationResult{};
}

TEST(Cached, TheModelOfALikeWindowIsServed) {
  // Windows 0 and 1 are days, 2 and 3 nights, ...: the first has no model, the third only days'.
  const double expected = (0.6 + 0.9 + 0.5 + 0.9 + 0.9 + 0.9 + 0.9 + 0.9) / 8;
  for (const char* by : {"classes", "time", "objects"}) {
    const SimulationResult result = Simulated(DaysAndNights(), std::string("cached:by=") + by);
    EXPECT_NEAR(result.mean_accuracy, expected, 1e-9) << by;
    EXPECT_EQ(result.retrainings, 0);
    EXPECT_DOUBLE_EQ(result.retraining_device_seconds, 0);
    EXPECT_GT(result.swaps, 0);
  }
  // All places are alike: the newest model serves, which is wrong where the world has changed.
  EXPECT_NEAR(Simulated(DaysAndNights(), "cached:by=location").mean_accuracy,
              (0.6 + 0.9 + 0.5 + 0.9 + 0.5 + 0.9 + 0.5 + 0.9) / 8, 1e-9);
}

TEST(Cached, AFullCacheForgetsTheOldest) {
  EXPECT_NEAR(Simulated(DaysAndNights(), "cached:by=time,models=1").mean_accuracy,
              (0.6 + 0.9 + 0.5 + 0.9 + 0.5 + 0.9 + 0.5 + 0.9) / 8, 1e-9);
}

TEST(Cached, TimesOfDayMeetAtMidnight) {
  TracedWindow late;
  TracedWindow early;
  late.seconds_of_day = 86300;
  early.seconds_of_day = 100;
  EXPECT_DOUBLE_EQ(*Unlikeness(Likeness::kTime, late, early), 200);
  late.class_mix = {0.5, 0.5};
  early.class_mix = {0.2, 0.1};
  EXPECT_DOUBLE_EQ(*Unlikeness(Likeness::kClasses, late, early), 0.5);
}

TEST(Cached, SaysWhatTheTraceLacks) {
  const auto error = [](Trace trace, const std::string& scheduler) {
    SimulationSettings settings;
    settings.scheduler = scheduler;
    const auto result = Simulate(trace, settings);
    return result.ok() ? std::string("no error") : result.error().message;
  };
  Trace trace = DaysAndNights();
  trace.streams[0].windows[3].objects.reset();
  EXPECT_THAT(error(trace, "cached:by=objects"), HasSubstr("stream s: objects: found none"));
  trace = DaysAndNights();
  trace.streams[0].windows[3].class_mix = {1};
  EXPECT_THAT(error(trace, "cached"), HasSubstr("class_mix"));
  trace = DaysAndNights();
  trace.streams[0].windows[0].retraining[0].later.clear();
  EXPECT_THAT(error(trace, "cached:by=time"), HasSubstr("stream s: later: found none"));
  EXPECT_THAT(error(DaysAndNights(), "cached:by=mood"), HasSubstr("found \"mood\""));
  EXPECT_THAT(error(DaysAndNights(), "cached:for=ever"), HasSubstr("for"));
  EXPECT_FALSE(IsCached("cache"));
}

}  // namespace
}  // namespace ekya::simulator
