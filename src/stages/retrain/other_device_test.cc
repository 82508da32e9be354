// Training where a model lies on a device that is no processor: what it takes goes there, and it
// learns as on a processor.
#include <gtest/gtest.h>
#include <torch/version.h>

// The device is made of parts that LibTorch 2 has in another form.
#if TORCH_VERSION_MAJOR < 2

#include <unistd.h>

#include <cmath>

#include "base/random.h"
#include "platform/models/device_for_tests.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain {
namespace {

using models::device_for_tests::kDevice;

constexpr int kSide = 16;

/// Class 0 is brighter at the top, 1 at the bottom; with noise.
std::vector<Sample> Draw(int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Sample> samples(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].label = static_cast<int>(i % 2);
    samples[i].time_seconds = static_cast<double>(i);
    samples[i].image = {kSide, kSide, {}};
    for (int y = 0; y < kSide; ++y) {
      const bool bright = (y < kSide / 2) == (samples[i].label == 0);
      for (int x = 0; x < 3 * kSide; ++x) {
        samples[i].image.pixels.push_back(
            static_cast<std::uint8_t>((bright ? 140 : 60) + random.Below(60)));
      }
    }
  }
  return samples;
}

std::unique_ptr<models::Classifier> MakeBase() {
  models::ClassifierShape shape;
  shape.width = 0.05;
  shape.input_size = kSide;
  shape.classes = {"top", "bottom"};
  return std::move(*models::Classifier::Create(shape, 1));
}

models::Network& NetworkOf(models::Classifier& model) {
  return dynamic_cast<models::TorchClassifier&>(model).network();
}

/// Between the weights of `a` and those of `b`.
double Distance(models::Network& a, models::Network& b) {
  double squares = 0;
  const auto others = b.named_parameters();
  for (const auto& item : a.named_parameters()) {
    squares += (item.value().cpu() - others[item.key()].cpu()).square().sum().item<double>();
  }
  return std::sqrt(squares);
}

struct Manner {
  int stages;
  double distillation;
  bool augmentation;
  models::Precision precision;
};

class TrainElsewhereTest : public testing::TestWithParam<Manner> {};

TEST_P(TrainElsewhereTest, LearnsAsOnAProcessor) {
  TrainingSet set;
  set.training = Draw(48, 1);
  set.exemplars = Draw(16, 3);
  set.held_out = Draw(24, 2);
  RetrainingConfiguration configuration;
  configuration.id = "elsewhere";
  configuration.epochs = 4;
  configuration.batch_size = 16;
  // Small, so that what rounding changes stays small.
  configuration.learning_rate = 0.01;
  configuration.trained_stages = GetParam().stages;
  configuration.distillation = GetParam().distillation;
  configuration.augmentation = GetParam().augmentation;
  const auto here = MakeBase();
  here->SetTrainingPrecision(GetParam().precision);
  const auto there = here->Clone();
  NetworkOf(*there).MoveTo(kDevice);
  const auto expected = Train(*here, set, configuration, 1, {});
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  TrainingHooks hooks;
  hooks.state_file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-elsewhere.state");
  // Stopped after two epochs, it goes on from its state.
  int epochs = 0;
  hooks.checkpoint = [&] { return epochs < 2; };
  hooks.epoch = [&](const TrainingProgress&) { return ++epochs < 100; };
  EXPECT_FALSE(Train(*there, set, configuration, 1, hooks).ok());
  EXPECT_EQ(epochs, 2);
  hooks.checkpoint = [] { return true; };
  const auto outcome = Train(*there, set, configuration, 1, hooks);
  std::filesystem::remove(hooks.state_file);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  ASSERT_EQ(outcome->accuracy.size(), 4U);
  EXPECT_NEAR(outcome->accuracy.back(), expected->accuracy.back(), 0.1);
  EXPECT_EQ(outcome->start_accuracy, expected->start_accuracy);
  auto& network = NetworkOf(*outcome->model);
  EXPECT_EQ(network.device(), kDevice);
  const double part = GetParam().precision == models::Precision::kFloat32 ? 0.05 : 0.3;
  EXPECT_LT(Distance(network, NetworkOf(*expected->model)),
            part * Distance(NetworkOf(*here), NetworkOf(*expected->model)));
}

INSTANTIATE_TEST_SUITE_P(Each, TrainElsewhereTest,
                         testing::Values(Manner{5, 0, true, models::Precision::kFloat32},
                                         Manner{1, 0, true, models::Precision::kFloat32},
                                         Manner{2, 0.5, false, models::Precision::kFloat32},
                                         Manner{5, 0.5, true, models::Precision::kFloat32},
                                         Manner{5, 0, false, models::Precision::kBfloat16}),
                         [](const auto& tested) {
                           const Manner& manner = tested.param;
                           return std::to_string(manner.stages) + "Stages" +
                                  (manner.distillation > 0 ? "Taught" : "") +
                                  (manner.augmentation ? "Varied" : "") +
                                  models::Name(manner.precision);
                         });

TEST(TrainElsewhere, FeaturesAreRead) {
  const auto model = MakeBase();
  const auto samples = Draw(5, 1);
  const auto expected = FeaturesOf(*model, samples);
  NetworkOf(*model).MoveTo(kDevice);
  const auto features = FeaturesOf(*model, samples);
  ASSERT_TRUE(features.ok()) << features.error().message;
  ASSERT_EQ(features->size(), expected->size());
  for (std::size_t i = 0; i < features->front().size(); ++i) {
    EXPECT_NEAR((*features)[4][i], (*expected)[4][i], 1e-4);
  }
}

TEST(TrainElsewhere, ADetectorLearns) {
  models::DetectorShape shape;
  shape.width = 0.06;
  shape.input_size = 64;
  shape.classes = {"red"};
  const auto here = std::move(*models::LearningDetector::Create(shape, 1));
  const auto there = here->Clone();
  dynamic_cast<models::TorchDetector&>(*there).network().MoveTo(kDevice);
  DetectorTrainingSet set;
  Random random(1);
  for (int i = 0; i < 8; ++i) {
    LabelledPicture picture;
    picture.time_seconds = i;
    picture.image = {64, 64, std::vector<std::uint8_t>(3u * 64 * 64)};
    for (auto& value : picture.image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
    picture.objects.push_back({{4.0 * i, 10, 24, 20}, 0, 1});
    set.training.push_back(picture);
  }
  RetrainingConfiguration configuration;
  configuration.id = "elsewhere";
  configuration.epochs = 2;
  configuration.batch_size = 4;
  configuration.learning_rate = 0.01;
  const auto expected = TrainDetector(*here, set, configuration, 1, {});
  const auto outcome = TrainDetector(*there, set, configuration, 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  auto& network = dynamic_cast<models::TorchDetector&>(*outcome->model).network();
  EXPECT_EQ(network.device(), kDevice);
  auto& other = dynamic_cast<models::TorchDetector&>(*expected->model).network();
  EXPECT_LT(Distance(network, other),
            0.05 * Distance(dynamic_cast<models::TorchDetector&>(*here).network(), other));
}

}  // namespace
}  // namespace ekya::retrain

#endif  // TORCH_VERSION_MAJOR
