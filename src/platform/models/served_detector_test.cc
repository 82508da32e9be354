#include "platform/models/served_detector.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.h"
#include "platform/models/detector.h"
#include "platform/models/internal/each_architecture.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

Frame Noise() {
  Frame frame;
  frame.image = {80, 50, {}};
  Random random(3);
  for (int i = 0; i < 3 * 80 * 50; ++i) {
    frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
  }
  return frame;
}

/// `detector` and what is served of it find the same; returns how much.
std::size_t ExpectSame(LearningDetector& detector, const Frame& frame) {
  const auto served = MakeServed(detector);
  EXPECT_EQ(served->classes(), detector.classes());
  const auto expected = detector.Analyze(frame, 0);
  const auto found = served->Analyze(frame, 0);
  EXPECT_TRUE(expected.ok() && found.ok());
  if (!expected.ok() || !found.ok()) return 0;
  EXPECT_EQ(found->size(), expected->size());
  for (std::size_t i = 0; i < std::min(found->size(), expected->size()); ++i) {
    EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
    EXPECT_NEAR((*found)[i].score, (*expected)[i].score, 1e-4);
    EXPECT_GT(IntersectionOverUnion((*found)[i].box, (*expected)[i].box), 0.999);
  }
  return found->size();
}

class EachServedDetector : public testing::TestWithParam<const char*> {};

TEST_P(EachServedDetector, FindsTheSame) {
  DetectorShape shape;
  shape.architecture = GetParam();
  shape.width = 0.05;
  shape.input_size = 64;
  shape.classes = {"red", "blue"};
  const auto detector = LearningDetector::Create(shape, 1);
  ASSERT_TRUE(detector.ok()) << detector.error().message;
  internal::SeePictures(dynamic_cast<TorchDetector&>(**detector).network(), 64);
  (*detector)->SetScoreThreshold(0.004);  // A model that knows nothing is sure of nothing.
  EXPECT_GT(ExpectSame(**detector, Noise()), 0U);
}

INSTANTIATE_TEST_SUITE_P(All, EachServedDetector,
                         testing::Values("tiny-yolov3", "ssdlite-mobilenetv2"));

TEST(ServedDetector, PublicWeightsFindTheSame) {
  const std::filesystem::path file =
      std::filesystem::path(EKYA_SHARED_DIR) / "models/yolo-fastest-1.1.cfg";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs ../shared/models";
  const auto detector = LearningDetector::LoadDarknet(file, CocoNames(), {"person", "car"});
  ASSERT_TRUE(detector.ok()) << detector.error().message;
  (*detector)->SetScoreThreshold(1e-4);
  EXPECT_GT(ExpectSame(**detector, Noise()), 0U);
}

TEST(ServedDetector, AThresholdIsSavedAndLoaded) {
  DetectorShape shape;
  shape.width = 0.05;
  shape.input_size = 64;
  shape.classes = {"red"};
  const auto detector = LearningDetector::Create(shape, 1);
  ASSERT_TRUE(detector.ok()) << detector.error().message;
  (*detector)->SetScoreThreshold(0.42);
  const auto file = std::filesystem::temp_directory_path() /
                    ("ekya-threshold-" + std::to_string(getpid()) + ".safetensors");
  ASSERT_TRUE((*detector)->Save(file).ok());
  const auto loaded = LearningDetector::Load(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_DOUBLE_EQ((*loaded)->score_threshold(), 0.42);
}

}  // namespace
}  // namespace ekya::models
