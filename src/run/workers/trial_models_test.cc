#include "run/workers/trial_models.h"

#include <gtest/gtest.h>

#include <utility>

namespace ekya::workers {
namespace {

RetrainingConfiguration Configuration(const std::string& id, int epochs, int stages = 5) {
  RetrainingConfiguration configuration;
  configuration.id = id;
  configuration.epochs = epochs;
  configuration.trained_stages = stages;
  return configuration;
}

/// `trial` of "lobby", which has trained for `epochs`.
TrialModels::Kept Done(const profile::Trial& trial, int epochs, std::string weights = "w") {
  profile::TrialResult result;
  result.accuracy.resize(static_cast<std::size_t>(epochs));
  return {"lobby", trial, result, std::move(weights)};
}

TEST(TrialModels, ARetrainingGoesOnFromTheTrialThatSpeaksForIt) {
  TrialModels trials;
  const auto deep = Configuration("deep", 8);
  trials.Keep(Done({deep, 1, 3}, 3));
  trials.Keep(Done({Configuration("head", 8, 1), 1, 3}, 3));
  EXPECT_FALSE(trials.Take("gate", deep)) << "another stream";
  EXPECT_FALSE(trials.Take("lobby", Configuration("middle", 8, 3)));
  const auto start = trials.Take("lobby", deep);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->weights, "w");
  EXPECT_EQ(start->epochs_left, 5);
  EXPECT_FALSE(trials.Take("lobby", deep)) << "taken once";
  const auto head = trials.Take("lobby", Configuration("short head", 2, 1));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->epochs_left, 0);
}

TEST(TrialModels, PartsOfEpochsAreMadeUpInWhole) {
  TrialModels trials;
  const auto configuration = Configuration("deep", 8);
  trials.Keep(Done({configuration, 0.1, 5}, 5));
  EXPECT_EQ(trials.Take("lobby", configuration)->epochs_left, 8);
}

TEST(TrialModels, ATrialIsGoneOnWith) {
  TrialModels trials;
  const profile::Trial trial{Configuration("deep", 8), 0.1, 5};
  trials.Keep(Done(trial, 2));
  EXPECT_FALSE(trials.Resume("lobby", {Configuration("head", 8), 0.1, 5}));
  const auto kept = trials.Resume("lobby", trial);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->result.accuracy.size(), 2U);
  EXPECT_FALSE(trials.Resume("lobby", trial)) << "taken once";
}

TEST(TrialModels, AWindowsTrialsDoNotServeTheNext) {
  TrialModels trials;
  const auto configuration = Configuration("deep", 8);
  trials.Keep(Done({configuration, 1, 3}, 3));
  trials.Clear();
  EXPECT_FALSE(trials.Take("lobby", configuration));
}

}  // namespace
}  // namespace ekya::workers
