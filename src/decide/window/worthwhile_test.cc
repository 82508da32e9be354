#include "decide/window/internal/worthwhile.h"

#include <gtest/gtest.h>

#include <map>

#include "decide/window/conductor.h"
#include "decide/window/fake_world.h"

namespace ekya::window {
namespace {

// Streams that serving a whole device each would not make better, or that starve.
Situation Box(int streams, int devices) {
  Situation situation;
  situation.window_seconds = 200;
  situation.devices = devices;
  situation.quanta_per_device = 10;
  for (int s = 0; s < streams; ++s) {
    StreamSituation stream;
    stream.id = "s" + std::to_string(s);
    stream.accuracy = 0.6;
    stream.inference = {{"all", 0.4, 1.0}, {"half", 0.2, 0.7}, {"few", 0.1, 0.3}};
    situation.streams.push_back(std::move(stream));
  }
  return situation;
}

std::vector<TrialRequest> Requests(const Situation& situation, int configurations) {
  std::vector<TrialRequest> requests;
  for (const StreamSituation& stream : situation.streams) {
    for (int c = 0; c < configurations; ++c) {
      TrialRequest request;
      request.stream = stream.id;
      request.trial.configuration.id = "c" + std::to_string(c);
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

std::vector<TrialRequest> Worthwhile(const Situation& situation,
                                     const profile::Expectation& expectation, double most = 0.2) {
  auto policy = schedule::MakePolicy("planner:bound=0");
  EXPECT_TRUE(policy.ok());
  const ServingPlan plan = PlanServing(situation, situation.TotalQuanta() / 4);
  return WorthwhileTrials(situation, plan, **policy, expectation, most, Requests(situation, 6));
}

TEST(WorthwhileTrials, IdleComputeIsUsedToLearn) {
  EXPECT_FALSE(Worthwhile(Box(2, 4), {}).empty());
}

TEST(WorthwhileTrials, ComputeThatServingNeedsIsNot) {
  profile::Expectation expectation;
  expectation.TrialTook("s0", 2);
  EXPECT_TRUE(Worthwhile(Box(10, 1), expectation).empty());
}

TEST(WorthwhileTrials, TakeNoMoreThanTheirPartOfTheWindow) {
  profile::Expectation expectation;
  expectation.TrialTook("s0", 4);
  const Situation box = Box(4, 4);
  const double devices = PlanServing(box, box.TotalQuanta() / 4).TotalFree() / double{10};
  const std::size_t all = Worthwhile(box, expectation, 1).size();
  for (const double most : {0.02, 0.05, 0.1}) {
    const std::size_t few = Worthwhile(box, expectation, most).size();
    EXPECT_LE(static_cast<double>(few) * 4 / devices, most * 200 + 1e-9);
    EXPECT_LT(few, all);
  }
}

TEST(WorthwhileTrials, CheapTrialsAreRunWhereDearOnesAreNot) {
  profile::Expectation cheap;
  cheap.TrialTook("s0", 0.1);
  profile::Expectation dear;
  dear.TrialTook("s0", 15);
  EXPECT_GT(Worthwhile(Box(5, 2), cheap, 1).size(), Worthwhile(Box(5, 2), dear, 1).size());
}

TEST(WorthwhileTrials, WhatIsKnownIsNotTriedAgain) {
  // c0 is best by far and cheap; trials of the others would not change that.
  profile::Expectation expectation;
  for (int i = 0; i < 30; ++i) {
    for (const char* stream : {"s0", "s1"}) {
      expectation.Retrained(stream, 0.6, {"c0", 0.95, 5, 0});
      for (int c = 1; c < 6; ++c) {
        expectation.Retrained(stream, 0.6, {"c" + std::to_string(c), 0.4, 60, 0});
      }
      expectation.TrialTook(stream, 2);
    }
  }
  Situation box = Box(2, 4);
  for (StreamSituation& stream : box.streams) stream.retraining = {{"c0", 0.95, 5, 0}};
  EXPECT_TRUE(Worthwhile(box, expectation).empty());
}

TEST(WorthwhileTrials, AreSpreadOverStreamsAndConfigurations) {
  profile::Expectation expectation;
  expectation.TrialTook("s0", 4);
  const std::vector<TrialRequest> chosen = Worthwhile(Box(4, 4), expectation, 0.05);
  std::map<std::string, int> streams;
  std::map<std::string, int> configurations;
  for (const TrialRequest& request : chosen) {
    ++streams[request.stream];
    ++configurations[request.trial.configuration.id];
  }
  ASSERT_GE(chosen.size(), 4U);
  EXPECT_EQ(streams.size(), 4U);
  EXPECT_GE(configurations.size(), 3U);
}

// The loop with it: what was learned in the first windows is used without a trial later.
TEST(WorthwhileTrials, LaterWindowsRetrainByWhatEarlierOnesTaught) {
  std::vector<FakeStream> streams;
  for (int i = 0; i < 3; ++i) {
    FakeStream stream;
    stream.id = "s" + std::to_string(i);
    stream.accuracy = 0.5;
    stream.trial_seconds = stream.trial_device_seconds = 15;  // Dear.
    streams.push_back(stream);
  }
  FakeWorld world(streams);
  ConductorSettings settings;
  settings.window_seconds = 200;
  settings.devices = 2;
  settings.quanta_per_device = 10;
  settings.weigh_trials = true;
  RetrainingConfiguration configuration;
  configuration.id = "e15";
  settings.retraining = {configuration};
  auto policy = schedule::MakePolicy("planner");
  ASSERT_TRUE(policy.ok());
  Conductor conductor(settings, **policy, world.ports());
  std::size_t trials = 0;
  std::size_t retrained = 0;
  for (int window = 1; window <= 6; ++window) {
    const Result<WindowRecord> record = conductor.Run(window);
    ASSERT_TRUE(record.ok());
    for (FakeStream& stream : world.streams) stream.accuracy = 0.5;  // It drifts again.
    if (window < 4) continue;
    retrained += record->retrainings.size();
    for (const auto& [stream, profiles] : record->profiles)
      EXPECT_EQ(profiles.size(), 1U) << stream;
    if (record->profiling_seconds > 0) ++trials;
  }
  EXPECT_EQ(trials, 0U);
  EXPECT_EQ(retrained, 9U);
}

}  // namespace
}  // namespace ekya::window
