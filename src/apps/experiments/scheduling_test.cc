#include "apps/experiments/scheduling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/report/summary.h"
#include "base/file.h"

namespace ekya::experiments {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Trace SmallTrace() {
  Trace trace;
  trace.window_seconds = 200;
  for (int s = 0; s < 3; ++s) {
    TracedStream stream;
    stream.id = "s" + std::to_string(s);
    stream.inference = {{"every-1", 0.25, 1.0}, {"every-2", 0.125, 0.8}};
    for (int w = 0; w < 2; ++w) {
      TracedWindow window;
      window.accuracy = 0.6;
      for (int c = 0; c < 3; ++c) {
        TracedRetraining retraining;
        retraining.id = std::to_string(c) + "/5";
        retraining.accuracy = retraining.estimated_accuracy = 0.7 + 0.08 * c;
        retraining.device_seconds = retraining.estimated_device_seconds = 6 + 20 * c;
        window.retraining.push_back(retraining);
      }
      stream.windows.push_back(window);
    }
    trace.streams.push_back(stream);
  }
  return trace;
}

TEST(UniformBaselines, TakeTheEndsOfTheHoldOutStreamsFront) {
  EXPECT_THAT(UniformBaselines(SmallTrace()),
              ElementsAre("uniform:config=2/5,share=0.5", "uniform:config=0/5,share=0.3",
                          "uniform:config=0/5,share=0.5", "uniform:config=0/5,share=0.9"));
}

TEST(DevicesFor, LiesBetweenTheMeasuredOnes) {
  const std::map<double, double> accuracy = {{1, 0.5}, {2, 0.7}, {4, 0.8}};
  EXPECT_DOUBLE_EQ(DevicesFor(accuracy, 0.4), 1);
  EXPECT_DOUBLE_EQ(DevicesFor(accuracy, 0.6), 1.5);
  EXPECT_DOUBLE_EQ(DevicesFor(accuracy, 0.75), 3);
  EXPECT_DOUBLE_EQ(DevicesFor(accuracy, 0.9), 0);
  EXPECT_DOUBLE_EQ(DevicesFor({}, 0.9), 0);
}

TEST(RunScheduling, WritesReportFiguresAndTables) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "ekya-scheduling-test";
  std::filesystem::remove_all(folder);
  SchedulingSettings settings;
  settings.streams = 4;
  settings.windows = 2;
  settings.seeds = 1;
  settings.every = 2;
  const Status status = RunScheduling(SmallTrace(), folder, settings);
  ASSERT_TRUE(status.ok()) << status.error().message;
  const auto summary = report::ReadSummary(*ReadFile(folder / "summary.json"), "summary.json");
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  for (const char* figure : {"planner_minus_thief_points", "planner_minus_uniform_points",
                             "compute_multiple_of_uniform"}) {
    ASSERT_TRUE(summary->figures.contains(figure)) << figure;
  }
  EXPECT_GE(summary->figures.at("planner_minus_thief_points"), -0.5);
  const std::string page = *ReadFile(folder / "report.html");
  for (const char* text : {"Accuracy against devices", "Streams a box can carry",
                           "Accuracy under noise", "Accuracy against the quantum"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
  EXPECT_TRUE(ReadFile(folder / "noise.csv").ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::experiments
