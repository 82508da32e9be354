#include "stages/retrain/score_threshold.h"

#include <gtest/gtest.h>

namespace ekya::retrain {
namespace {

constexpr Box kHere = {0, 0, 10, 10};
constexpr Box kThere = {50, 50, 10, 10};

TEST(ScoreThreshold, LiesBetweenWhatIsRightAndWhatIsWrong) {
  const std::vector<JudgedPicture> pictures = {
      {{{kHere, 0, 0.6}, {kThere, 0, 0.2}}, {{kHere, 0, 1}}},
      {{{kHere, 1, 0.7}, {kThere, 1, 0.3}}, {{kHere, 1, 1}}},
  };
  EXPECT_NEAR(BestThreshold(pictures, 0.5), 0.45, 0.02);
  EXPECT_DOUBLE_EQ(F1From(pictures, 0.45), 1);
  EXPECT_DOUBLE_EQ(F1From(pictures, 0.1), 4.0 / 6);
  EXPECT_DOUBLE_EQ(F1From(pictures, 0.65), 2.0 / 3);
}

TEST(ScoreThreshold, StaysWhereNothingIsEverRight) {
  EXPECT_DOUBLE_EQ(BestThreshold({}, 0.3), 0.3);
  EXPECT_DOUBLE_EQ(BestThreshold({{{{kThere, 0, 0.9}}, {{kHere, 0, 1}}}}, 0.3), 0.3);
  EXPECT_DOUBLE_EQ(F1From({}, 0.3), 0);
}

TEST(ScoreThreshold, AsksTheModelForWeakResultsToo) {
  models::DetectorShape shape;
  shape.width = 0.06;
  shape.input_size = 64;
  shape.classes = {"red"};
  const auto model = models::LearningDetector::Create(shape, 1);
  ASSERT_TRUE(model.ok()) << model.error().message;
  LabelledPicture picture;
  picture.image = {64, 64, std::vector<std::uint8_t>(3u * 64 * 64, 128)};
  picture.objects = {{kHere, 0, 1}};
  const auto found = FindInPictures(**model, {picture});
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().truth.size(), 1U);
  for (const Detection& detection : found->front().detections) {
    EXPECT_GE(detection.score, kLowestScore);
  }
  picture.image = {};
  EXPECT_FALSE(FindInPictures(**model, {picture}).ok());
}

}  // namespace
}  // namespace ekya::retrain
