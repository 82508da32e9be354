#include "stages/inference/inference_profile.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "base/random.h"
#include "core/scorer.h"

namespace ekya::inference {
namespace {

/// A model that sees the truth of every frame, for `cpu_seconds` of the processor.
class SeeingModel : public models::Model {
 public:
  explicit SeeingModel(double cpu_seconds) : cpu_seconds_(cpu_seconds) {}
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override {
    if (input_size == 13) return Error{ErrorCode::kInvalid, "input size 13: expected 32"};
    const double until = ThreadCpuSeconds() + cpu_seconds_;
    while (ThreadCpuSeconds() < until) {
    }
    std::vector<Detection> seen = TruthOf(frame);
    // Where it looks through small glasses it mistakes every second object.
    for (std::size_t i = 0; input_size == 16 && i < seen.size(); i += 2) seen[i].class_index += 1;
    return seen;
  }

 private:
  const double cpu_seconds_;
  const std::vector<std::string> classes_ = {"free", "busy", "other"};
};

struct Scene {
  std::vector<FramePtr> frames;
  std::vector<std::vector<Detection>> truth;
};

/// Every `stride`-th of `count` * `stride` frames; four fixed regions, each of which changes its
/// class at random, every 10 frames on average.
Scene MakeScene(int count, int stride) {
  Scene scene;
  Random random(1);
  std::vector<int> classes(4, 0);
  for (int i = 0; i < count * stride; ++i) {
    auto frame = std::make_shared<Frame>();
    frame->index = i;
    for (int region = 0; region < 4; ++region) {
      if (random.Uniform() < 0.1) classes[region] = 1 - classes[region];
      frame->regions.push_back({{20.0 * region, 0, 10, 10}, classes[region], region});
    }
    if (i % stride != 0) continue;
    scene.frames.push_back(frame);
    scene.truth.push_back(TruthOf(*frame));
  }
  return scene;
}

/// The accuracy of carrying every n-th result over, replayed literally on consecutive frames.
double Replayed(const Scene& scene, int interval) {
  FrameScore sum;
  for (std::size_t i = 0; i < scene.frames.size(); ++i) {
    sum += ScoreFrame(scene.truth[i / interval * interval], scene.truth[i], 0.3);
  }
  return sum.Accuracy();
}

const std::vector<InferenceConfiguration> kEvery = {
    {"every-1", 1, 0}, {"every-2", 2, 0}, {"every-4", 4, 0}, {"every-8", 8, 0}};

TEST(InferenceProfile, FactorsAreThoseOfAReplay) {
  SeeingModel model(0);
  const Scene scene = MakeScene(1200, 1);
  const auto profiles = ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok()) << profiles.error().message;
  ASSERT_EQ(profiles->size(), 4u);
  EXPECT_EQ((*profiles)[0].factor, 1);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ((*profiles)[i].id, kEvery[i].id);
    EXPECT_NEAR((*profiles)[i].factor, Replayed(scene, kEvery[i].frame_interval), 0.02);
    EXPECT_LT((*profiles)[i].factor, (*profiles)[i - 1].factor);
  }
}

TEST(InferenceProfile, KeptFramesNeedNotBeConsecutive) {
  SeeingModel model(0);
  const Scene all = MakeScene(1200, 1);
  const Scene kept = MakeScene(400, 3);
  const auto profiles = ProfileInference(model, kept.frames, kept.truth, 25, 1, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR((*profiles)[i].factor, Replayed(all, kEvery[i].frame_interval), 0.03);
  }
}

TEST(InferenceProfile, SharesAreTheMeasuredCost) {
  SeeingModel model(0.004);
  const Scene scene = MakeScene(20, 1);
  const auto profiles = ProfileInference(model, scene.frames, scene.truth, 25, 0.5, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok());
  // 4 ms x 25 frames a second x 1.2 headroom of half a core.
  EXPECT_NEAR((*profiles)[0].share, 0.24, 0.05);
  EXPECT_GE((*profiles)[0].share, 0.24);
  EXPECT_NEAR((*profiles)[1].share, (*profiles)[0].share / 2, 1e-9);
  EXPECT_NEAR((*profiles)[3].share, (*profiles)[0].share / 8, 1e-9);
}

TEST(InferenceProfile, WhatAWholeDeviceCannotDoCountsAsSkipped) {
  SeeingModel model(0.004);
  const Scene scene = MakeScene(100, 1);
  // 0.1 of a core is needed, 0.0125 is there: one frame in 8.
  const auto profiles = ProfileInference(model, scene.frames, scene.truth, 25, 0.0125, 1.0, kEvery);
  ASSERT_TRUE(profiles.ok());
  EXPECT_EQ((*profiles)[0].share, 1);
  EXPECT_EQ((*profiles)[1].share, 1);
  EXPECT_NEAR((*profiles)[0].factor, (*profiles)[3].factor, 0.05);
  EXPECT_LT((*profiles)[0].factor, 0.8);
}

TEST(InferenceProfile, InputSizesAreMeasuredAndRefusedOnesNeverChosen) {
  SeeingModel model(0);
  const Scene scene = MakeScene(50, 1);
  testing::internal::CaptureStderr();
  const auto profiles = ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2,
                                         {{"full", 1, 0}, {"small", 1, 16}, {"odd", 1, 13}});
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(profiles.ok());
  ASSERT_EQ(profiles->size(), 3u);
  EXPECT_EQ((*profiles)[0].factor, 1);
  EXPECT_DOUBLE_EQ((*profiles)[1].factor, 0.5);
  EXPECT_EQ((*profiles)[2].factor, 0);
  EXPECT_EQ((*profiles)[2].share, 1);
  EXPECT_NE(log.find("odd cannot be served: input size 13: expected 32"), std::string::npos) << log;
}

TEST(InferenceProfile, WithoutTruthTheModelIsItsOwn) {
  SeeingModel model(0);
  const Scene scene = MakeScene(1200, 1);
  const std::vector<std::vector<Detection>> unknown(scene.frames.size());
  const auto own = ProfileInference(model, scene.frames, unknown, 25, 1, 1.2, kEvery);
  const auto known = ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2, kEvery);
  ASSERT_TRUE(own.ok());
  ASSERT_TRUE(known.ok());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ((*own)[i].factor, (*known)[i].factor);
  }
}

TEST(InferenceProfile, AStillSceneLosesLittleButNeverNothing) {
  SeeingModel model(0);
  std::vector<FramePtr> frames;
  for (int i = 0; i < 10; ++i) {
    auto frame = std::make_shared<Frame>();
    frame->index = i;
    frames.push_back(frame);
  }
  const auto profiles =
      ProfileInference(model, frames, std::vector<std::vector<Detection>>(10), 25, 1, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok());
  EXPECT_EQ(profiles->front().factor, 1);
  for (std::size_t i = 1; i < profiles->size(); ++i) {
    EXPECT_LT((*profiles)[i].factor, (*profiles)[i - 1].factor);
  }
  EXPECT_GT(profiles->back().factor, 0.95);

  // The longer it has stood still, the less.
  frames.back() = std::make_shared<Frame>(*frames.back());
  std::const_pointer_cast<Frame>(frames.back())->index = 999;
  const auto longer =
      ProfileInference(model, frames, std::vector<std::vector<Detection>>(10), 25, 1, 1.2, kEvery);
  ASSERT_TRUE(longer.ok());
  EXPECT_GT(longer->back().factor, 0.999);
  EXPECT_LT(longer->back().factor, 1);
}

TEST(InferenceProfile, ResultsGetNoBetterWithAge) {
  SeeingModel model(0);
  Scene scene = MakeScene(2, 1);
  // Right about the second frame, wrong about its own: chance, not a reason to skip frames.
  scene.truth[0].clear();
  scene.truth[1] = TruthOf(*scene.frames[0]);
  const auto profiles = ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok());
  EXPECT_LT((*profiles)[1].factor, (*profiles)[0].factor);
}

TEST(InferenceProfile, OneFrameIsEnoughAndNoneIsAnError) {
  SeeingModel model(0);
  const Scene one = MakeScene(1, 1);
  const auto profiles = ProfileInference(model, one.frames, one.truth, 25, 1, 1.2, kEvery);
  ASSERT_TRUE(profiles.ok());
  EXPECT_LT((*profiles)[3].factor, 1);  // nothing older was seen
  EXPECT_GT((*profiles)[3].factor, 0.6);
  const auto none = ProfileInference(model, {}, {}, 25, 1, 1.2, kEvery);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kInvalid);
}

TEST(InferenceProfile, SenselessInputIsRefused) {
  SeeingModel model(0);
  const Scene scene = MakeScene(3, 1);
  for (const double rate : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    const auto profiles = ProfileInference(model, scene.frames, scene.truth, rate, 1, 1.2, kEvery);
    ASSERT_FALSE(profiles.ok());
    EXPECT_NE(profiles.error().message.find("frames per second"), std::string::npos);
  }
  EXPECT_FALSE(ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2, {}).ok());
  EXPECT_FALSE(
      ProfileInference(model, scene.frames, scene.truth, 25, 1, 1.2, {{"every-0", 0, 0}}).ok());
}

}  // namespace
}  // namespace ekya::inference
