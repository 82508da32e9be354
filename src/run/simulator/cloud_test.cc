#include "run/simulator/cloud.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 10 Mb of samples per stream and window, 20 Mb a model.
CloudOptions Link(double up, double down) {
  CloudOptions options;
  options.up = up;
  options.down = down;
  options.video = 1;
  options.sampled = 0.1;
  options.model = 20;
  return options;
}

TEST(CloudArrivals, SamplesGoUpInTurnAndModelsComeDownInTurn) {
  // Up 2 s each; down 4 s each: the downlink is what they wait for.
  EXPECT_THAT(CloudArrivals(Link(5, 5), 3, 0, 100), ElementsAre(6, 10, 14));
  // Up 10 s each; down 1 s each.
  EXPECT_THAT(CloudArrivals(Link(1, 20), 3, 0, 100), ElementsAre(11, 21, 31));
}

TEST(CloudArrivals, WhatComesAfterTheWindowIsLeftOut) {
  EXPECT_THAT(CloudArrivals(Link(5, 5), 100, 0, 100).size(), 24u);
  EXPECT_THAT(CloudArrivals(Link(0.05, 5), 3, 0, 100), IsEmpty());
}

TEST(CloudArrivals, OutagesHoldEverythingUp) {
  CloudOptions options = Link(5, 5);
  options.outage_every = 10;
  options.outage_for = 5;
  // 0-10 free: up to 2, down to 6, down to 10; then nothing until 15.
  EXPECT_THAT(CloudArrivals(options, 3, 0, 100), ElementsAre(6, 10, 19));
  // The window starts in an outage.
  EXPECT_THAT(CloudArrivals(options, 1, 10, 100), ElementsAre(5 + 5 + 5 + 1));
}

TEST(ReadCloudOptions, NamesWhatIsWrong) {
  EXPECT_TRUE(IsCloud("cloud") && IsCloud("cloud:up=1") && !IsCloud("cloudy"));
  EXPECT_DOUBLE_EQ(ReadCloudOptions("cloud:up=8.5,down=15")->up, 8.5);
  EXPECT_THAT(ReadCloudOptions("cloud:up=fast").error().message, HasSubstr("up"));
  EXPECT_THAT(ReadCloudOptions("cloud:sideways=1").error().message, HasSubstr("sideways"));
  EXPECT_FALSE(ReadCloudOptions("cloud:outage_every=5,outage_for=6").ok());
}

TEST(SimulateCloud, AFastLinkBeatsASlowOneAndServesMeanwhile) {
  Trace trace;
  trace.window_seconds = 100;
  for (int s = 0; s < 4; ++s) {
    TracedStream stream;
    stream.id = "s" + std::to_string(s);
    stream.inference = {{"every-1", 0.25, 1.0}};
    for (int w = 0; w < 2; ++w) {
      TracedWindow window;
      window.accuracy = 0.6;
      TracedRetraining retraining;
      retraining.id = "r";
      retraining.accuracy = 0.9;
      window.retraining = {retraining};
      stream.windows.push_back(window);
    }
    trace.streams.push_back(stream);
  }
  const auto accuracy = [&](const std::string& scheduler) {
    SimulationSettings settings;
    settings.scheduler = scheduler;
    const auto result = Simulate(trace, settings);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok() ? result->mean_accuracy : 0;
  };
  EXPECT_NEAR(accuracy("cloud:up=1000,down=1000,model=0.001"), 0.9, 0.001);
  EXPECT_NEAR(accuracy("cloud:up=0.01"), 0.6, 1e-9);
  // 40 Mb of samples at 10 Mb/s, 40 Mb models at 40 Mb/s: arrivals at 5, 9, 13, 17 of 100 s.
  EXPECT_NEAR(accuracy("cloud:up=10,down=40,model=40"), 0.6 + 0.3 * (1 - 0.11), 1e-6);
}

}  // namespace
}  // namespace ekya::simulator
