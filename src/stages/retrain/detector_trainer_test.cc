#include "stages/retrain/detector_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "platform/models/compute_device.h"

namespace ekya::retrain {
namespace {

using testing::HasSubstr;

/// Red and blue boxes on gray noise; of three `classes` green ones too.
std::vector<LabelledPicture> Draw(int count, std::uint64_t seed, int classes = 2) {
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
      const int label = static_cast<int>(random.Below(static_cast<std::uint64_t>(classes)));
      for (int y = top; y < top + height; ++y) {
        for (int x = left; x < left + width; ++x) {
          auto* pixel = picture.image.pixels.data() + 3 * (y * kSide + x);
          pixel[0] = label == 0 ? 230 : 20;
          pixel[1] = label == 2 ? 230 : 30;
          pixel[2] = label == 1 ? 230 : 20;
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

std::unique_ptr<models::LearningDetector> Make(const std::string& architecture, int input_size = 64,
                                               double width = 0.06) {
  models::DetectorShape shape;
  shape.architecture = architecture;
  shape.width = width;
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
  int epochs_with_another;  ///< Class.
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
                         testing::Values(Learner{"tiny-yolov3", 64, 20, 40},
                                         Learner{"ssdlite-mobilenetv2", 128, 12, 12}),
                         [](const auto& tested) {
                           return std::string(tested.param.architecture).substr(0, 4);
                         });

/// Of the objects of each class, the part that `model` finds.
std::vector<double> FoundOfEach(models::LearningDetector& model,
                                const std::vector<LabelledPicture>& pictures) {
  std::vector<double> found;
  for (int label = 0; label < 3; ++label) {
    FrameScore score;
    Frame frame;
    for (LabelledPicture picture : pictures) {
      frame.image = picture.image;
      const auto results = model.Analyze(frame, 0);
      EXPECT_TRUE(results.ok());
      std::erase_if(picture.objects,
                    [&](const Detection& each) { return each.class_index != label; });
      score += ScoreFrame(*results, picture.objects, 0.3);
    }
    found.push_back(score.Accuracy());
  }
  return found;
}

TEST_P(TrainDetectorTest, LearnsANewClassBesideTheOnesItKnows) {
  // Three colours are more than the narrowest networks tell apart.
  const auto base = Make(GetParam().architecture, GetParam().input_size, 0.1);
  auto configuration = Configuration(GetParam().epochs);
  configuration.learning_rate = 0.1;
  const auto held_out = Draw(24, 2, 3);
  const auto two = TrainDetector(*base, {Draw(64, 1), {}, {}}, configuration, 1, {});
  ASSERT_TRUE(two.ok()) << two.error().message;
  const auto before = FoundOfEach(*two->model, held_out);
  EXPECT_EQ(before[2], 0);

  configuration.epochs = GetParam().epochs_with_another;
  const DetectorTrainingSet set = {Draw(48, 3, 3), Draw(24, 1), held_out, {"green"}};
  const auto three = TrainDetector(*two->model, set, configuration, 1, {});
  ASSERT_TRUE(three.ok()) << three.error().message;
  EXPECT_THAT(three->model->classes(), testing::ElementsAre("red", "blue", "green"));
  EXPECT_THAT(two->model->classes(), testing::ElementsAre("red", "blue"));
  EXPECT_EQ(three->samples_per_epoch, 48 + 24);
  // It started from what was known.
  EXPECT_NEAR(three->start_f1, *MeasureF1(*two->model, held_out), 0.02);
  EXPECT_GT(three->f1.back(), three->start_f1);
  const auto after = FoundOfEach(*three->model, held_out);
  EXPECT_GT(after[2], 0.3);  // 0.67 to 0.78 with four seeds
  EXPECT_GT(after[0] + after[1], before[0] + before[1] - 0.4);
}

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

TEST(TrainDetector, RefusesNewClassesThatCannotBeLearned) {
  const auto base = Make("tiny-yolov3");
  DetectorTrainingSet set = {Draw(4, 1), {}, {}};
  const auto refusal = [&] {
    const auto outcome = TrainDetector(*base, set, Configuration(1), 1, {});
    return outcome.ok() ? "trained" : outcome.error().message;
  };
  set.new_classes = {"green"};
  EXPECT_THAT(refusal(), HasSubstr("'test': new class 'green': found no object of it"));
  set.held_out = Draw(4, 1, 3);
  EXPECT_THAT(refusal(), HasSubstr("found no object of it in what is trained on"));
  set.training[1].objects[0].class_index = 2;
  EXPECT_EQ(refusal(), "trained");
  set.training[1].objects[0].class_index = 3;
  EXPECT_THAT(refusal(), HasSubstr("class 3, expected 0 to 2"));
  set.training[1].objects[0].class_index = 2;
  set.new_classes = {"blue"};
  EXPECT_THAT(refusal(), HasSubstr("found class 'blue', expected names that differ"));
}

TEST(TrainDetector, AKilledTrainingOfAGrownOneGoesOn) {
  const auto base = Make("tiny-yolov3");
  DetectorTrainingSet set = {Draw(16, 1, 3), Draw(4, 3), Draw(6, 2, 3), {"green"}};
  TrainingHooks hooks;
  hooks.state_file = std::filesystem::temp_directory_path() /
                     ("ekya-grown-" + std::to_string(::getpid()) + ".safetensors");
  const auto file = hooks.state_file.string() + ".model";
  const auto weights = [&](const DetectorTrainingSet& from, const TrainingHooks& by) {
    const auto outcome = TrainDetector(*base, from, Configuration(4), 1, by);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_TRUE(outcome->model->Save(file).ok());
    return ReadFile(file).value();
  };
  const std::string whole = weights(set, {});
  int checks = 0;
  hooks.checkpoint = [&] { return ++checks < 6; };  // Within the second epoch: three minibatches.
  ASSERT_EQ(TrainDetector(*base, set, Configuration(4), 1, hooks).error().code,
            ErrorCode::kCancelled);
  ASSERT_TRUE(std::filesystem::exists(hooks.state_file));
  checks = -100;
  EXPECT_EQ(weights(set, hooks), whole);
  EXPECT_EQ(checks, -100 + 3 * 3) << "three epochs were left";

  // What was kept before it was to grow is another training's, and so is what comes after it.
  DetectorTrainingSet known = set;
  known.new_classes.clear();
  for (auto* part : {&known.training, &known.held_out}) {
    for (LabelledPicture& picture : *part) {
      std::erase_if(picture.objects, [](const Detection& each) { return each.class_index == 2; });
    }
  }
  const std::string ungrown = weights(known, {});
  checks = -100;
  EXPECT_EQ(weights(known, hooks), ungrown);
  EXPECT_EQ(checks, -100 + 4 * 3);
  checks = -100;
  EXPECT_EQ(weights(set, hooks), whole);
  EXPECT_EQ(checks, -100 + 4 * 3);
  std::filesystem::remove(file);
  std::filesystem::remove(hooks.state_file);
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
