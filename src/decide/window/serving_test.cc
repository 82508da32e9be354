#include "decide/window/serving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace ekya::window {
namespace {

using ::testing::ElementsAre;

StreamSituation Stream(const std::string& id, double accuracy,
                       std::vector<InferenceProfile> inference) {
  StreamSituation stream;
  stream.id = id;
  stream.accuracy = accuracy;
  stream.inference = std::move(inference);
  return stream;
}

Situation Box(int devices, std::vector<StreamSituation> streams) {
  Situation situation;
  situation.window_seconds = 100;
  situation.devices = devices;
  situation.streams = std::move(streams);
  return situation;
}

std::vector<std::string> Chosen(const ServingPlan& plan) {
  std::vector<std::string> chosen;
  for (const Allocation& allocation : plan.allocations) chosen.push_back(allocation.inference);
  return chosen;
}

TEST(PlanServing, ServesEverybodyAtTheBestWhereThereIsRoom) {
  const std::vector<InferenceProfile> inference = {{"full", 0.3, 1}, {"half", 0.15, 0.8}};
  const ServingPlan plan =
      PlanServing(Box(1, {Stream("a", 0.9, inference), Stream("b", 0.5, inference)}), 2);
  EXPECT_THAT(Chosen(plan), ElementsAre("full", "full"));
  EXPECT_THAT(plan.free, ElementsAre(4));
}

TEST(PlanServing, StepsDownWhereItCostsLeast) {
  const std::vector<InferenceProfile> inference = {{"full", 0.5, 1}, {"half", 0.2, 0.8}};
  const ServingPlan plan =
      PlanServing(Box(1, {Stream("a", 0.9, inference), Stream("b", 0.5, inference)}), 3);
  EXPECT_THAT(Chosen(plan), ElementsAre("full", "half"));
  EXPECT_EQ(plan.TotalFree(), 3);
}

TEST(PlanServing, NeverStepsBelowTheFloorForTheReservation) {
  const std::vector<InferenceProfile> inference = {{"full", 0.5, 1}, {"half", 0.2, 0.5}};
  Situation box = Box(1, {Stream("a", 0.9, inference), Stream("b", 0.8, inference)});
  box.accuracy_floor = 0.43;
  const ServingPlan plan = PlanServing(box, 6);
  EXPECT_THAT(Chosen(plan), ElementsAre("half", "full"));
  EXPECT_EQ(plan.TotalFree(), 3);
}

TEST(PlanServing, AnOverloadedBoxServesWhomItCan) {
  const std::vector<InferenceProfile> inference = {{"full", 0.6, 1}};
  const ServingPlan plan =
      PlanServing(Box(1, {Stream("a", 0.5, inference), Stream("b", 0.9, inference)}), 3);
  EXPECT_THAT(Chosen(plan), ElementsAre("", "full"));
  EXPECT_THAT(plan.free, ElementsAre(4));
}

TEST(PlanServing, AJobStaysOnOneDevice) {
  const std::vector<InferenceProfile> inference = {{"full", 0.6, 1}, {"half", 0.4, 0.9}};
  const ServingPlan plan = PlanServing(
      Box(2,
          {Stream("a", 0.9, inference), Stream("b", 0.8, inference), Stream("c", 0.7, inference)}),
      0);
  // 6 + 6 + 4 of 20 quanta fit; 6 + 6 + 6 would, too, but on no two devices.
  EXPECT_THAT(Chosen(plan), ElementsAre("full", "full", "half"));
}

TEST(PlanServing, NothingToServeAndNothingThatFits) {
  EXPECT_THAT(PlanServing(Box(2, {}), 5).free, ElementsAre(10, 10));
  const ServingPlan plan = PlanServing(Box(1, {Stream("a", 0.9, {{"huge", 1.5, 1}})}), 0);
  EXPECT_THAT(Chosen(plan), ElementsAre(""));
}

TEST(PlanServing, NeverGivesMoreThanThereIs) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<StreamSituation> streams;
    for (std::size_t i = 0; i < 1 + random.Below(12); ++i) {
      std::vector<InferenceProfile> inference;
      for (std::size_t j = 0; j < 1 + random.Below(4); ++j) {
        inference.push_back({std::to_string(j), random.Uniform(0, 1.2), random.Uniform()});
      }
      streams.push_back(Stream(std::to_string(i), random.Uniform(), inference));
    }
    const Situation box = Box(1 + static_cast<int>(random.Below(4)), streams);
    const ServingPlan plan = PlanServing(box, static_cast<Quanta>(random.Below(20)));
    std::vector<Quanta> used(static_cast<std::size_t>(box.devices), 0);
    for (const Allocation& allocation : plan.allocations) {
      used[static_cast<std::size_t>(allocation.inference_device)] += allocation.inference_quanta;
    }
    for (std::size_t device = 0; device < used.size(); ++device) {
      ASSERT_EQ(used[device] + plan.free[device], box.quanta_per_device);
      ASSERT_GE(plan.free[device], 0);
    }
  }
}

}  // namespace
}  // namespace ekya::window
