#include "apps/learning/detection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "platform/models/learning_detector.h"

namespace ekya::learning {
namespace {

using testing::HasSubstr;

CameraSettings Crossing() {
  CameraSettings camera;
  camera.id = "crossing";
  camera.url = "scene:intersection";
  camera.task = "detection";
  camera.classes = {"person", "car"};
  camera.frames_per_second = 4;
  return camera;
}

TEST(DetectionTest, ASceneBecomesPicturesWithItsTruth) {
  const auto stream = ReadPictureStream(Crossing(), 2, 10, nullptr, 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  EXPECT_EQ(stream->labels, "truth");
  ASSERT_EQ(stream->pictures.size(), 10U);
  std::size_t objects = 0;
  for (std::size_t i = 0; i < stream->pictures.size(); ++i) {
    // Every other frame of four a second.
    EXPECT_NEAR(stream->pictures[i].time_seconds, 0.5 * static_cast<double>(i), 1e-9);
    EXPECT_FALSE(stream->pictures[i].image.empty());
    objects += stream->pictures[i].objects.size();
  }
  EXPECT_GT(objects, 0U);
}

TEST(DetectionTest, WithoutLabelsThereIsNoStream) {
  auto camera = Crossing();
  camera.url = std::string(EKYA_SHARED_DIR) + "/data/clips/street_c.mp4";
  if (!std::filesystem::exists(camera.url)) GTEST_SKIP() << "needs ../shared/data/clips";
  const auto stream = ReadPictureStream(camera, 2, 10, nullptr, 1);
  ASSERT_FALSE(stream.ok());
  EXPECT_THAT(stream.error().message, HasSubstr("camera crossing: found a source without labels"));
}

TEST(DetectionTest, TheJudgedPartIsLaterThanEverythingElse) {
  PictureStream stream{"s", "truth", {}};
  for (int i = 0; i < 100; ++i) {
    stream.pictures.push_back({{1, 1, {0, 0, 0}}, {}, static_cast<double>(i)});
  }
  const PictureParts parts = CutInTime(stream);
  EXPECT_EQ(parts.first.training.size(), 45U);
  EXPECT_EQ(parts.first.held_out.size(), 15U);
  EXPECT_TRUE(parts.first.exemplars.empty());
  ASSERT_EQ(parts.later.size(), 40U);
  EXPECT_LT(parts.first.training.back().time_seconds, parts.first.held_out.front().time_seconds);
  EXPECT_LT(parts.first.held_out.back().time_seconds, parts.later.front().time_seconds);
}

TEST(DetectionTest, JudgesBothModelsOnTheLaterPart) {
  const auto stream = ReadPictureStream(Crossing(), 2, 20, nullptr, 1);
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  models::DetectorShape shape;
  shape.width = 0.06;
  shape.input_size = 96;
  shape.classes = Crossing().classes;
  const auto base = models::LearningDetector::Create(shape, 1);
  ASSERT_TRUE(base.ok()) << base.error().message;
  RetrainingConfiguration configuration;
  configuration.id = "short";
  configuration.epochs = 2;
  configuration.batch_size = 4;
  const PictureParts parts = CutInTime(*stream);
  const auto run = RetrainAndJudge(**base, parts, configuration, 3);
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_EQ(run->seed, 3U);
  EXPECT_EQ(run->retrained_scores.size(), parts.later.size());
  // A model that knows nothing finds nothing sure.
  EXPECT_DOUBLE_EQ(run->unretrained_at_default, 0);
  EXPECT_LE(run->retrained, 1);
  EXPECT_GT(run->device_seconds, 0);
  const auto again = RetrainAndJudge(**base, parts, configuration, 3);
  ASSERT_TRUE(again.ok());
  EXPECT_DOUBLE_EQ(again->retrained_map, run->retrained_map);
}

TEST(DetectionTest, AMissingModelIsNamed) {
  const auto folder = std::filesystem::temp_directory_path() / "ekya-no-models";
  const Status status = RunDetection({.out = folder, .data = folder, .models = folder});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("yolo-fastest-1.1.cfg"));
}

}  // namespace
}  // namespace ekya::learning
