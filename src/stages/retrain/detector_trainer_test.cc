#include "stages/retrain/detector_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "platform/models/compute_device.h"

namespace ekya::retrain {
namespace {

using testing::HasSubstr;

/// Red and blue boxes on gray noise.
std::vector<LabelledPicture> Draw(int count, std::uint64_t seed) {
  constexpr int kSide = 64;
  Random random(seed);
  std::vector<LabelledPicture> pictures;
  for (int i = 0; i < count; ++i) {
    LabelledPicture picture;
    picture.time_seconds = i;
    picture.image = {kSide, kSide, std::vector<std::uint8_t>(3u * kSide * kSide)};
    for (auto& value : picture.image.pixels)
      value = static_cast<std::uint8_t>(90 + random.Below(60));
    for (int half = 0; half < 2; ++half) {
      const int width = 14 + static_cast<int>(random.Below(14));
      const int height = 14 + static_cast<int>(random.Below(14));
      const int left =
          32 * half + static_cast<int>(random.Below(static_cast<std::uint64_t>(32 - width)));
      const int top = static_cast<int>(random.Below(static_cast<std::uint64_t>(kSide - height)));
      const int label = static_cast<int>(random.Below(2));
      for (int y = top; y < top + height; ++y) {
        for (int x = left; x < left + width; ++x) {
          auto* pixel = picture.image.pixels.data() + 3 * (y * kSide + x);
          pixel[0] = label == 0 ? 230 : 20;
          pixel[1] = 30;
          pixel[2] = label == 0 ? 20 : 230;
        }
      }
      picture.objects.push_back({{static_cast<double>(left), static_cast<double>(top),
                                  static_cast<double>(width), static_cast<double>(height)},
                                 label,
                                 1});
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

std::unique_ptr<models::LearningDetector> Make(const std::string& architecture,
                                               int input_size = 64) {
  models::DetectorShape shape;
  shape.architecture = architecture;
  shape.width = 0.06;
  shape.input_size = input_size;
  shape.classes = {"red", "blue"};
  auto made = models::LearningDetector::Create(shape, 1);
  EXPECT_TRUE(made.ok());
  return std::move(*made);
}

RetrainingConfiguration Configuration(int epochs) {
  RetrainingConfiguration configuration;
  configuration.id = "test";
  configuration.epochs = epochs;
  configuration.batch_size = 8;
  configuration.learning_rate = 0.03;
  return configuration;
}

struct Learner {
  const char* architecture;
  int input_size;
  int epochs;
};

class TrainDetectorTest : public testing::TestWithParam<Learner> {};

TEST_P(TrainDetectorTest, GainsF1) {
  const auto base = Make(GetParam().architecture, GetParam().input_size);
  const DetectorTrainingSet set = {Draw(64, 1), {}, Draw(24, 2)};
  auto configuration = Configuration(GetParam().epochs);
  configuration.learning_rate = 0.1;
  const auto outcome = TrainDetector(*base, set, configuration, 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_LT(outcome->start_f1, 0.1);
  EXPECT_GT(outcome->f1.back(), 0.3);  // seeds differ by as much as 0.2
  EXPECT_EQ(outcome->f1.size(), static_cast<std::size_t>(GetParam().epochs));
  // The base is as it was.
  EXPECT_DOUBLE_EQ(*MeasureF1(*base->Clone(), set.held_out), outcome->start_f1);
  EXPECT_DOUBLE_EQ(*MeasureF1(*outcome->model, set.held_out), outcome->f1.back());
}

INSTANTIATE_TEST_SUITE_P(Detectors, TrainDetectorTest,
                         testing::Values(Learner{"tiny-yolov3", 64, 20},
                                         Learner{"ssdlite-mobilenetv2", 128, 12}),
                         [](const auto& tested) {
                           return std::string(tested.param.architecture).substr(0, 4);
                         });

TEST(TrainDetector, DependsOnItsSeedAlone) {
  const auto base = Make("tiny-yolov3");
  const DetectorTrainingSet set = {Draw(8, 1), Draw(4, 3), Draw(6, 2)};
  const auto train = [&](std::uint64_t seed) {
    const auto outcome = TrainDetector(*base, set, Configuration(2), seed, {});
    EXPECT_TRUE(outcome.ok());
    Frame frame;
    frame.image = set.held_out[0].image;
    outcome->model->SetScoreThreshold(0.001);
    double sum = 0;
    const auto results = outcome->model->Analyze(frame, 0);
    for (const auto& found : results.value()) sum += found.score + found.box.x;
    return sum;
  };
  EXPECT_EQ(train(1), train(1));
  EXPECT_NE(train(1), train(2));
}

TEST(TrainDetector, RefusesWhatItCannotTrainOn) {
  const auto base = Make("tiny-yolov3");
  DetectorTrainingSet set;
  const auto refusal = [&](const RetrainingConfiguration& configuration) {
    const auto outcome = TrainDetector(*base, set, configuration, 1, {});
    return outcome.ok() ? "trained" : outcome.error().message;
  };
  EXPECT_THAT(refusal(Configuration(1)), HasSubstr("no training picture"));
  set.training = Draw(2, 1);
  EXPECT_THAT(refusal(Configuration(0)), HasSubstr("epochs: found 0"));
  set.training[1].objects[0].class_index = 2;
  EXPECT_THAT(refusal(Configuration(1)), HasSubstr("class 2, expected 0 to 1"));
  set.training[1] = {};
  EXPECT_THAT(refusal(Configuration(1)), HasSubstr("empty picture"));
  set.training.pop_back();
  EXPECT_EQ(refusal(Configuration(1)), "trained");
  auto configuration = Configuration(1);
  configuration.learning_rate = 1e30;
  EXPECT_THAT(refusal(configuration), HasSubstr("weights that burst"));
  TrainingHooks hooks;
  hooks.checkpoint = [] { return false; };
  const auto cancelled = TrainDetector(*base, set, Configuration(1), 1, hooks);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

TEST(TrainDetector, LearnsOnACudaDevice) {
  if (models::CudaDevices() == 0) GTEST_SKIP() << "needs a CUDA device, and LibTorch sees none";
  for (const char* architecture : {"tiny-yolov3", "ssdlite-mobilenetv2"}) {
    const auto base = Make(architecture);
    ASSERT_TRUE(base->MoveTo({Device::Kind::kCuda, 0}).ok());
    const DetectorTrainingSet set = {Draw(48, 1), Draw(8, 3), Draw(16, 2)};
    const auto outcome = TrainDetector(*base, set, Configuration(12), 1, {});
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(outcome->model->device(), base->device());
    EXPECT_EQ(outcome->f1.size(), 12U);
    EXPECT_GE(outcome->f1.back(), outcome->start_f1) << architecture;
  }
}

}  // namespace
}  // namespace ekya::retrain
