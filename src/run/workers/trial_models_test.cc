#include "run/workers/trial_models.h"

#include <gtest/gtest.h>

#include "platform/models/classifier.h"

namespace ekya::workers {
namespace {

RetrainingConfiguration Configuration(const std::string& id, int epochs, int stages = 5) {
  RetrainingConfiguration configuration;
  configuration.id = id;
  configuration.epochs = epochs;
  configuration.trained_stages = stages;
  return configuration;
}

std::unique_ptr<models::Classifier> AnyModel() {
  models::ClassifierShape shape;
  shape.width = 0.02;
  shape.classes = {"free", "busy"};
  auto model = models::Classifier::Create(shape, 1);
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(*model);
}

TEST(TrialModels, ARetrainingGoesOnFromTheTrialThatSpeaksForIt) {
  TrialModels trials;
  const auto deep = Configuration("deep", 8);
  trials.Keep("lobby", {deep, 1, 3}, 3, AnyModel());
  trials.Keep("lobby", {Configuration("head", 8, 1), 1, 3}, 3, AnyModel());
  EXPECT_FALSE(trials.Take("gate", deep)) << "another stream";
  EXPECT_FALSE(trials.Take("lobby", Configuration("middle", 8, 3)));
  const auto start = trials.Take("lobby", deep);
  ASSERT_TRUE(start);
  EXPECT_NE(start->model, nullptr);
  EXPECT_EQ(start->epochs_left, 5);
  EXPECT_FALSE(trials.Take("lobby", deep)) << "taken once";
  const auto head = trials.Take("lobby", Configuration("short head", 2, 1));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->epochs_left, 0);
}

TEST(TrialModels, PartsOfEpochsAreMadeUpInWhole) {
  TrialModels trials;
  const auto configuration = Configuration("deep", 8);
  trials.Keep("lobby", {configuration, 0.1, 5}, 5, AnyModel());
  EXPECT_EQ(trials.Take("lobby", configuration)->epochs_left, 8);
}

TEST(TrialModels, AWindowsTrialsDoNotServeTheNext) {
  TrialModels trials;
  const auto configuration = Configuration("deep", 8);
  trials.Keep("lobby", {configuration, 1, 3}, 3, AnyModel());
  trials.Clear();
  EXPECT_FALSE(trials.Take("lobby", configuration));
}

}  // namespace
}  // namespace ekya::workers
