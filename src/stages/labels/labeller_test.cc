#include "stages/labels/labeller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ekya::labels {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

bool GoOn() { return true; }

GoldenSettings Settings(const std::string& source, const std::string& model, double budget) {
  GoldenSettings settings;
  settings.source = source;
  settings.model = model;
  settings.budget = budget;
  return settings;
}

FramePtr MakeFrame(int index, std::vector<Region> regions = {}) {
  auto frame = std::make_shared<Frame>();
  frame->index = index;
  frame->time_seconds = index;
  frame->image.width = 20;
  frame->image.height = 10;
  frame->image.pixels.assign(3 * 20 * 10, static_cast<std::uint8_t>(index));
  frame->regions = std::move(regions);
  return frame;
}

std::vector<FramePtr> MakeFrames(int count) {
  std::vector<FramePtr> frames;
  for (int i = 0; i < count; ++i) frames.push_back(MakeFrame(i, {{{0, 0, 5, 5}, i % 2, 0}}));
  return frames;
}

std::vector<std::size_t> FramesOf(const std::vector<Labeller::Labels>& labels) {
  std::vector<std::size_t> frames;
  for (const Labeller::Labels& label : labels) frames.push_back(label.frame);
  return frames;
}

class GoldenModel : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int) override {
    ++looks;
    if (frame.index % failing_every == 0) return Error{ErrorCode::kFailed, "engine failed"};
    return std::vector<Detection>{{{1, 2, 3, 4}, 0, 0.7}};
  }

  int looks = 0;
  int failing_every = 1 << 20;

 private:
  const std::vector<std::string> classes_ = {"thing"};
};

std::unique_ptr<Labeller> Truth(double budget) {
  auto labeller = MakeLabeller(Settings("truth", "", budget), nullptr);
  EXPECT_TRUE(labeller.ok());
  return std::move(*labeller);
}

Result<std::vector<Labeller::Labels>> LabelAll(Labeller& labeller,
                                               const std::vector<FramePtr>& frames, int seen,
                                               const std::function<bool()>& between = GoOn) {
  EKYA_ASSIGN(auto round,
              labeller.Label(frames, std::vector<double>(frames.size(), 0.5), seen, between));
  return std::move(round.labels);
}

TEST(Labeller, TellsTheTruthOfRegions) {
  const std::vector<FramePtr> frames = {
      MakeFrame(0, {{{0, 0, 5, 5}, 1, 0}, {{5, 0, 5, 5}, std::nullopt, 1}}), MakeFrame(1),
      MakeFrame(2, {{{0, 0, 5, 5}, std::nullopt, 0}})};
  auto labeller = Truth(1);
  EXPECT_EQ(labeller->source(), "truth");
  const auto labels = LabelAll(*labeller, frames, 3);
  ASSERT_TRUE(labels.ok());
  // The second shows nothing; of the third nobody knows what it shows.
  EXPECT_THAT(FramesOf(*labels), ElementsAre(0, 1));
  ASSERT_EQ((*labels)[0].objects.size(), 1u);
  EXPECT_EQ((*labels)[0].objects[0].class_index, 1);
  EXPECT_EQ((*labels)[0].objects[0].score, 1);
  EXPECT_TRUE((*labels)[1].objects.empty());
}

TEST(Labeller, KeepsWithinTheBudgetAndSpreads) {
  const auto frames = MakeFrames(10);
  const auto size = [&](double budget, const std::vector<FramePtr>& given, int seen) {
    return LabelAll(*Truth(budget), given, seen)->size();
  };
  EXPECT_THAT(FramesOf(*LabelAll(*Truth(0.02), frames, 100)), ElementsAre(2, 7));
  EXPECT_EQ(size(0.5, frames, 10), 5u);
  EXPECT_EQ(size(0.1, frames, 99), 9u);
  EXPECT_EQ(size(0.29, MakeFrames(100), 100), 29u);
  EXPECT_EQ(size(0.5, frames, 1000), 10u);
  EXPECT_EQ(size(0.05, frames, 10), 0u);  // half a frame is none
  EXPECT_EQ(size(1, {}, 0), 0u);
  EXPECT_EQ(size(1, frames, -5), 0u);
}

TEST(Labeller, SeeksOutFramesOfWhichTheModelWasUnsure) {
  const auto frames = MakeFrames(100);
  std::vector<double> uncertainty(100, 0.0);
  uncertainty[33] = 1;
  const auto round = Truth(0.1)->Label(frames, uncertainty, 100, GoOn);
  ASSERT_TRUE(round.ok());
  ASSERT_EQ(round->labels.size(), 10u);
  int sought = 0;
  for (const Labeller::Labels& label : round->labels) {
    sought += label.uniform ? 0 : 1;
    EXPECT_TRUE(label.frame != 33 || !label.uniform);
  }
  EXPECT_EQ(sought, 3);
  EXPECT_THAT(FramesOf(round->labels), testing::Contains(33u));
}

TEST(Labeller, BetweenTwoFramesItMayBeEnded) {
  const auto frames = MakeFrames(10);
  int calls = 0;
  const auto labels = LabelAll(*Truth(1), frames, 10, [&] { return ++calls < 4; });
  ASSERT_TRUE(labels.ok());
  EXPECT_THAT(FramesOf(*labels), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(calls, 4);
}

TEST(Labeller, AsksTheGoldenModelWithinTheBudget) {
  auto golden = std::make_shared<GoldenModel>();
  auto labeller = MakeLabeller(Settings("model", "golden.onnx", 0.25), golden);
  ASSERT_TRUE(labeller.ok());
  EXPECT_EQ((*labeller)->source(), "golden");
  const auto round = (*labeller)->Label(MakeFrames(16), std::vector<double>(16, 0.5), 16, GoOn);
  ASSERT_TRUE(round.ok());
  EXPECT_EQ(golden->looks, 4);
  ASSERT_EQ(round->labels.size(), 3u);
  EXPECT_EQ(round->labels[0].objects[0].score, 0.7);
  // The fourth look was a second one: the box, found in the mirrored picture, is mirrored back.
  ASSERT_EQ(round->second_looks.size(), 1u);
  EXPECT_EQ(round->second_looks[0].first[0].box.x, 1);
  EXPECT_EQ(round->second_looks[0].second[0].box.x, 20 - 1 - 3);
}

TEST(Labeller, FramesOnWhichTheGoldenModelFailsAreLeftOut) {
  auto golden = std::make_shared<GoldenModel>();
  golden->failing_every = 3;
  auto labeller = MakeLabeller(Settings("model", "golden.onnx", 1), golden);
  ASSERT_TRUE(labeller.ok());
  auto frames = MakeFrames(6);
  frames.push_back(nullptr);
  frames.push_back(std::make_shared<Frame>());  // without a picture
  testing::internal::CaptureStderr();
  const auto labels = LabelAll(**labeller, frames, 8);
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(labels.ok());
  EXPECT_THAT(FramesOf(*labels), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(log, HasSubstr("2 of 6 frames are left out: engine failed"));

  golden->failing_every = 1;
  const auto none = LabelAll(**labeller, frames, 8);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message, "none of 6 frames could be labelled: engine failed");
  EXPECT_TRUE(LabelAll(**labeller, {}, 0)->empty());
}

TEST(Labeller, SenselessSettingsAreRefused) {
  for (const double budget : {0.0, -1.0, 1.1, std::nan("")}) {
    const auto labeller = MakeLabeller(Settings("truth", "", budget), nullptr);
    ASSERT_FALSE(labeller.ok());
    EXPECT_THAT(labeller.error().message, HasSubstr("golden.budget: found "));
  }
  EXPECT_THAT(MakeLabeller(Settings("oracle", "", 1), nullptr).error().message,
              HasSubstr("golden.source: found \"oracle\""));
  EXPECT_THAT(MakeLabeller(Settings("model", "", 1), nullptr).error().message,
              HasSubstr("golden.model"));
}

TEST(MakePictures, StretchesPicturesAndBoxesByTime) {
  const std::vector<FramePtr> frames = {MakeFrame(30), MakeFrame(10)};
  const std::vector<Labeller::Labels> labels = {{0, {{{10, 5, 5, 5}, 1, 1}, {{40, 0, 5, 5}, 0, 1}}},
                                                {1, {}}};
  const auto pictures = MakePictures(frames, labels, 40);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[0].time_seconds, 10);
  EXPECT_TRUE(pictures[0].objects.empty());  // That it shows nothing is worth knowing.
  ASSERT_EQ(pictures[1].objects.size(), 1u);
  const Box& box = pictures[1].objects[0].box;
  EXPECT_EQ(box.x, 20);
  EXPECT_EQ(box.y, 20);
  EXPECT_EQ(box.width, 10);
  EXPECT_EQ(box.height, 20);
  EXPECT_EQ(pictures[1].image.width, 40);
  EXPECT_EQ(pictures[1].image.height, 40);
}

TEST(UncertaintyOf, IsThatOfScoresAwayFromBothEnds) {
  EXPECT_DOUBLE_EQ(UncertaintyOf({}), 0.5);
  EXPECT_DOUBLE_EQ(UncertaintyOf({{{}, 0, 1.0}, {{}, 0, 1.0}}), 0);
  EXPECT_DOUBLE_EQ(UncertaintyOf({{{}, 0, 0.5}}), 1);
  EXPECT_NEAR(UncertaintyOf({{{}, 0, 0.9}, {{}, 0, 0.7}}), 0.4, 1e-9);
}

TEST(MakeSamples, CutsObjectsOutByTime) {
  const std::vector<FramePtr> frames = {MakeFrame(30), MakeFrame(10), MakeFrame(20)};
  const std::vector<Labeller::Labels> labels = {
      {0, {{{0, 0, 5, 5}, 1, 1}, {{-3, -3, 5, 5}, 0, 1}}},
      {1, {{{15, 5, 50, 50}, 2, 1}}},
      {2, {{{20, 0, 5, 5}, 0, 1}, {{0, 0, 0, 5}, 0, 1}, {{0, 0, 5, 5}, -1, 1}}}};
  const auto samples = MakeSamples(frames, labels, 8);
  ASSERT_EQ(samples.size(), 3u);  // what is outside, empty or of no class gives none
  EXPECT_EQ(samples[0].time_seconds, 10);
  EXPECT_EQ(samples[0].label, 2);
  EXPECT_EQ(samples[1].label, 1);
  EXPECT_EQ(samples[2].label, 0);
  for (const Sample& sample : samples) {
    EXPECT_EQ(sample.image.width, 8);
    EXPECT_EQ(sample.image.height, 8);
    EXPECT_EQ(sample.image.pixels.size(), 3u * 8 * 8);
    EXPECT_EQ(sample.image.pixels[50], static_cast<std::uint8_t>(sample.time_seconds));
  }
  EXPECT_TRUE(MakeSamples(frames, {}, 8).empty());
}

}  // namespace
}  // namespace ekya::labels
