#include "stages/retrain/retrainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <set>

#include "base/file.h"
#include "base/random.h"
#include "core/safetensors.h"
#include "platform/models/compute_device.h"

namespace ekya::retrain {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kSide = 16;

/// Class 0 is brighter at the top, 1 at the bottom, 2 in the middle; with noise. `dark` dims all.
Sample MakeSample(int label, Random* random, double time, double dark = 1) {
  Sample sample;
  sample.image = {kSide, kSide, {}};
  for (int y = 0; y < kSide; ++y) {
    const int third = 3 * y / kSide;
    const bool bright = third == (label == 0 ? 0 : label == 1 ? 2 : 1);
    for (int i = 0; i < 3 * kSide; ++i) {
      const double value = dark * (60 + (bright ? 70 : 0) + 30 * random->Normal());
      sample.image.pixels.push_back(static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)));
    }
  }
  sample.label = label;
  sample.time_seconds = time;
  return sample;
}

std::vector<Sample> MakeSamples(int count, int classes, std::uint64_t seed, double dark = 1) {
  Random random(seed);
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) samples.push_back(MakeSample(i % classes, &random, i, dark));
  return samples;
}

std::unique_ptr<models::Classifier> MakeBase(int classes = 2, int last_hidden = 0) {
  models::ClassifierShape shape;
  shape.width = 0.05;
  shape.input_size = kSide;
  shape.last_hidden = last_hidden;
  for (int i = 0; i < classes; ++i) shape.classes.push_back("class" + std::to_string(i));
  auto made = models::Classifier::Create(shape, 1);
  EXPECT_TRUE(made.ok());
  return std::move(*made);
}

RetrainingConfiguration Quick(int epochs = 8) {
  RetrainingConfiguration configuration;
  configuration.id = "quick";
  configuration.epochs = epochs;
  configuration.batch_size = 16;
  configuration.learning_rate = 0.05;
  return configuration;
}

TrainingSet MakeSet(int training = 96, int held_out = 40) {
  TrainingSet set;
  set.training = MakeSamples(training, 2, 1);
  set.held_out = MakeSamples(held_out, 2, 2);
  return set;
}

/// The weights and statistics of `model`, by name.
std::map<std::string, std::string> WeightsOf(const models::Classifier& model) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    (std::to_string(getpid()) + "-retrained.safetensors");
  EXPECT_TRUE(model.Save(path).ok());
  const auto content = ParseSafetensors(*ReadFile(path), "saved");
  std::filesystem::remove(path);
  std::map<std::string, std::string> weights;
  for (const auto& [name, tensor] : content->tensors) weights[name] = tensor.bytes;
  return weights;
}

std::string Refusal(const TrainingSet& set, const RetrainingConfiguration& configuration,
                    ErrorCode code = ErrorCode::kInvalid) {
  const auto outcome = Train(*MakeBase(), set, configuration, 1, {});
  if (outcome.ok()) return "trained";
  EXPECT_EQ(outcome.error().code, code);
  EXPECT_THAT(outcome.error().message, HasSubstr("'" + configuration.id + "'"));
  return outcome.error().message;
}

TEST(Train, LearnsAndLeavesItsBaseAlone) {
  const auto base = MakeBase();
  const auto before = WeightsOf(*base);
  const auto set = MakeSet();
  const auto outcome = Train(*base, set, Quick(), 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_LT(outcome->start_accuracy, 0.8);
  ASSERT_EQ(outcome->accuracy.size(), 8U);
  EXPECT_GE(outcome->accuracy.back(), 0.95);
  EXPECT_EQ(*MeasureAccuracy(*outcome->model, set.held_out), outcome->accuracy.back());
  EXPECT_EQ(outcome->samples_per_epoch, 96);
  EXPECT_GT(outcome->cpu_seconds, 0);
  EXPECT_EQ(WeightsOf(*base), before);
}

TEST(Train, LearnsAsWellWithBfloat16) {
  // A task on which float32 is not perfect, so that a loss would show; means over seeds.
  TrainingSet set;
  set.training = MakeSamples(150, 3, 1, 0.35);
  set.held_out = MakeSamples(300, 3, 2, 0.35);
  const auto base = MakeBase(3);
  const auto accuracy = [&](models::Precision precision) {
    base->SetTrainingPrecision(precision);
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto outcome = Train(*base, set, Quick(10), seed, {});
      EXPECT_TRUE(outcome.ok()) << outcome.error().message;
      sum += outcome->accuracy.back() / 3;
    }
    return sum;
  };
  const double exact = accuracy(models::Precision::kFloat32);
  const double narrow = accuracy(models::Precision::kBfloat16);
  EXPECT_GT(exact, 0.7);
  EXPECT_NEAR(narrow, exact, 0.04);
}

TEST(Train, IsDeterminedByItsSeed) {
  const auto base = MakeBase();
  const auto set = MakeSet(40, 0);
  const auto train = [&](std::uint64_t seed) {
    auto outcome = Train(*base, set, Quick(2), seed, {});
    EXPECT_TRUE(outcome.ok());
    return WeightsOf(*outcome->model);
  };
  const auto first = train(7);
  EXPECT_EQ(train(7), first);
  EXPECT_NE(train(8), first);
}

TEST(Train, TrainsOnlyTheStagesAskedFor) {
  const auto base = MakeBase(2, 8);
  const auto before = WeightsOf(*base);
  const auto set = MakeSet(32, 0);
  const std::vector<std::string> stage_of_prefix = {"fc.", "layer4.", "layer3.", "layer2.",
                                                    "layer1."};
  for (int stages = 1; stages <= 5; ++stages) {
    auto configuration = Quick(1);
    configuration.trained_stages = stages;
    const auto outcome = Train(*base, set, configuration, 1, {});
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    const auto after = WeightsOf(*outcome->model);
    for (const auto& [name, bytes] : before) {
      int stage = 5;  // the stem trains with the last
      for (std::size_t i = 0; i < stage_of_prefix.size(); ++i) {
        if (name.starts_with(stage_of_prefix[i])) stage = static_cast<int>(i) + 1;
      }
      EXPECT_EQ(after.at(name) == bytes, stage > stages) << name << " at depth " << stages;
    }
  }
}

TEST(Train, MakesAnotherHeadWhereAnotherIsAskedFor) {
  auto configuration = Quick(6);
  configuration.last_hidden = 12;
  const auto outcome = Train(*MakeBase(), MakeSet(), configuration, 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->model->shape().last_hidden, 12);
  EXPECT_TRUE(WeightsOf(*outcome->model).contains("fc.2.weight"));
  EXPECT_GE(outcome->accuracy.back(), 0.9);
  // The same head again is kept.
  const auto again = Train(*outcome->model, MakeSet(), configuration, 1, {});
  EXPECT_EQ(again->start_accuracy, outcome->accuracy.back());
}

TEST(Train, ReplaysExemplarsAgainstForgetting) {
  const auto base = MakeBase(3);
  TrainingSet first;
  first.training = MakeSamples(120, 3, 1);
  auto trained = Train(*base, first, Quick(), 1, {});
  ASSERT_TRUE(trained.ok());
  const auto test = MakeSamples(90, 3, 5);
  ASSERT_GE(*MeasureAccuracy(*trained->model, test), 0.9);

  // The next window shows the first class alone.
  TrainingSet next;
  next.training = MakeSamples(60, 1, 3);
  auto without = Train(*trained->model, next, Quick(6), 1, {});
  next.exemplars = MakeSamples(60, 3, 4);
  auto with = Train(*trained->model, next, Quick(6), 1, {});
  ASSERT_TRUE(without.ok() && with.ok());
  EXPECT_EQ(with->samples_per_epoch, 120);
  EXPECT_GE(*MeasureAccuracy(*with->model, test), 0.9);
  EXPECT_LT(*MeasureAccuracy(*without->model, test), 0.8);
}

TEST(Train, TakesAFractionOfTheSamples) {
  auto configuration = Quick(1);
  configuration.sample_fraction = 0.25;
  EXPECT_EQ(Train(*MakeBase(), MakeSet(40, 0), configuration, 1, {})->samples_per_epoch, 10);
  configuration.sample_fraction = 0.001;
  EXPECT_EQ(Train(*MakeBase(), MakeSet(40, 0), configuration, 1, {})->samples_per_epoch, 1);
  // Replay does not outweigh what it protects.
  configuration.sample_fraction = 0.25;
  auto set = MakeSet(40, 0);
  set.exemplars = MakeSamples(30, 2, 9);
  EXPECT_EQ(Train(*MakeBase(), set, configuration, 1, {})->samples_per_epoch, 20);
}

TEST(Train, TakesOddNumbersOfSamples) {
  for (const int count : {1, 2, 3, 17, 33}) {
    for (const int batch_size : {1, 16}) {
      auto configuration = Quick(2);
      configuration.batch_size = batch_size;
      const auto outcome = Train(*MakeBase(), MakeSet(count, 5), configuration, 1, {});
      ASSERT_TRUE(outcome.ok()) << count << ": " << outcome.error().message;
      EXPECT_EQ(outcome->samples_per_epoch, count);
    }
  }
  // The smallest input leaves one pixel in the last stage: batch norm then has two values at most.
  models::ClassifierShape shape;
  shape.width = 0.05;
  shape.input_size = 8;
  shape.classes = {"a", "b"};
  const auto base = std::move(*models::Classifier::Create(shape, 1));
  EXPECT_TRUE(Train(*base, MakeSet(1, 1), Quick(2), 1, {}).ok());
}

TEST(Train, TakesASingleClass) {
  TrainingSet set;
  set.training = MakeSamples(30, 1, 1);
  set.held_out = MakeSamples(10, 1, 2);
  const auto outcome = Train(*MakeBase(), set, Quick(3), 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->accuracy.back(), 1);
}

TEST(Train, WithoutHeldOutSamplesMeasuresNothing) {
  const auto outcome = Train(*MakeBase(), MakeSet(20, 0), Quick(2), 1, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->accuracy, (std::vector<double>{0, 0}));
}

TEST(Train, WhatNoClassStandsForIsMeasuredAsWrong) {
  auto set = MakeSet(4, 2);
  for (auto& sample : set.held_out) sample.label = -1;
  const auto outcome = Train(*MakeBase(), set, Quick(), 1, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->accuracy.back(), 0);
}

TEST(Train, RefusesWhatItCannotTrainOn) {
  EXPECT_THAT(Refusal({}, Quick()), HasSubstr("no training sample"));
  auto set = MakeSet(4, 2);
  set.training[1].label = 2;
  EXPECT_THAT(Refusal(set, Quick()), AllOf(HasSubstr("class 2"), HasSubstr("expected 0 to 1")));
  set = MakeSet(4, 2);
  set.training[0].label = -1;
  EXPECT_THAT(Refusal(set, Quick()), HasSubstr("class -1"));
  set = MakeSet(4, 2);
  set.held_out[0].label = -2;
  EXPECT_THAT(Refusal(set, Quick()), HasSubstr("class -2"));
  set = MakeSet(4, 2);
  const auto with = [&](auto change) {
    auto configuration = Quick();
    change(configuration);
    return Refusal(set, configuration);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(with([](auto& c) { c.epochs = 0; }), HasSubstr("epochs: found 0"));
  EXPECT_THAT(with([](auto& c) { c.batch_size = 0; }), HasSubstr("batch_size: found 0"));
  EXPECT_THAT(with([](auto& c) { c.trained_stages = 0; }), HasSubstr("trained_stages: found 0"));
  EXPECT_THAT(with([](auto& c) { c.last_hidden = -1; }), HasSubstr("last_hidden: found -1"));
  EXPECT_THAT(with([](auto& c) { c.sample_fraction = 1.5; }), HasSubstr("found 1.5"));
  EXPECT_THAT(with([&](auto& c) { c.sample_fraction = nan; }), HasSubstr("found nan"));
  EXPECT_THAT(with([](auto& c) { c.learning_rate = 0; }), HasSubstr("learning_rate: found 0"));
  EXPECT_THAT(with([](auto& c) { c.learning_rate = 1e300; }), HasSubstr("found 1e+300"));
}

TEST(Train, SaysWhereALossBecameNaN) {
  auto configuration = Quick(5);
  configuration.learning_rate = 1e30;
  const auto message = Refusal(MakeSet(64, 4), configuration, ErrorCode::kFailed);
  EXPECT_THAT(message, AllOf(HasSubstr("epoch 1, minibatch "), HasSubstr(" of 4"),
                             HasSubstr("learning rate 1e+30")));
  // A single minibatch: no later loss could tell.
  configuration.epochs = 1;
  EXPECT_THAT(Refusal(MakeSet(8, 0), configuration, ErrorCode::kFailed),
              HasSubstr("epoch 1, minibatch 1 of 1"));
}

TEST(Train, StopsWhereItsCallerSaysSo) {
  int minibatches = 0;
  TrainingHooks hooks;
  hooks.checkpoint = [&] { return ++minibatches <= 7; };
  const auto cancelled = Train(*MakeBase(), MakeSet(64, 0), Quick(5), 1, hooks);
  ASSERT_FALSE(cancelled.ok());
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_THAT(cancelled.error().message, HasSubstr("epoch 2"));
  EXPECT_EQ(minibatches, 8);

  TrainingHooks early;
  std::vector<TrainingProgress> seen;
  early.epoch = [&](const TrainingProgress& progress) {
    seen.push_back(progress);
    return progress.epoch < 3;
  };
  const auto outcome = Train(*MakeBase(), MakeSet(32, 10), Quick(50), 1, early);
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(outcome->accuracy.size(), 3U);
  EXPECT_EQ(seen[2].accuracy, outcome->accuracy[2]);
  EXPECT_GT(seen[0].epoch_cpu_seconds, 0);
}

TEST(Train, GoesOnFromItsStateAsIfNothingHadHappened) {
  const auto base = MakeBase();
  auto set = MakeSet(48, 20);
  set.exemplars = MakeSamples(20, 2, 4);
  const auto file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-state.safetensors");
  for (const int stages : {1, 5}) {
    auto configuration = Quick(5);
    configuration.trained_stages = stages;
    const auto whole = Train(*base, set, configuration, 3, {});
    ASSERT_TRUE(whole.ok());
    TrainingHooks hooks;
    hooks.state_file = file;
    int left = 9;
    hooks.checkpoint = [&] { return left-- > 0; };
    std::filesystem::remove(file);
    while (true) {
      std::vector<int> epochs;
      hooks.epoch = [&](const TrainingProgress& progress) {
        epochs.push_back(progress.epoch);
        return true;
      };
      left = 9;  // an epoch and a half
      const auto part = Train(*base, set, configuration, 3, hooks);
      for (std::size_t i = 0; i < epochs.size(); ++i) EXPECT_EQ(epochs[i], i + 1);
      if (!part.ok()) continue;
      EXPECT_EQ(epochs.size(), 5U);
      EXPECT_EQ(part->accuracy, whole->accuracy);
      EXPECT_EQ(WeightsOf(*part->model), WeightsOf(*whole->model)) << stages;
      break;
    }
    // Another training takes nothing from it.
    left = 1000;
    hooks.epoch = [](const TrainingProgress&) { return true; };
    const auto other = Train(*base, set, configuration, 4, hooks);
    ASSERT_TRUE(other.ok());
    EXPECT_EQ(WeightsOf(*other->model), WeightsOf(*Train(*base, set, configuration, 4, {})->model));
    // Nor does any from a damaged one.
    std::string content = *ReadFile(file);
    content.resize(content.size() / 2);
    ASSERT_TRUE(WriteFileAtomically(file, content).ok());
    const auto again = Train(*base, set, configuration, 4, hooks);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(WeightsOf(*again->model), WeightsOf(*other->model));
  }
  std::filesystem::remove(file);
}

TEST(Train, StopsEarlyOnceHeldOutSamplesTellNothingNew) {
  const auto base = MakeBase();
  const auto set = MakeSet(96, 30);
  const auto whole = Train(*base, set, Quick(30), 3, {});
  ASSERT_TRUE(whole.ok());
  ASSERT_EQ(whole->accuracy.size(), 30U);
  TrainingHooks hooks;
  hooks.patience = 3;
  const auto early = Train(*base, set, Quick(30), 3, hooks);
  ASSERT_TRUE(early.ok());
  // The same epochs until one in four is no better than the best before; then the last one.
  const auto& accuracy = early->accuracy;
  ASSERT_LT(accuracy.size(), 30U);
  ASSERT_GT(accuracy.size(), 4U);
  for (std::size_t i = 0; i + 1 < accuracy.size(); ++i) EXPECT_EQ(accuracy[i], whole->accuracy[i]);
  const auto best = std::max_element(accuracy.begin(), accuracy.end() - 1);
  EXPECT_EQ(accuracy.end() - 1 - best, 4);
  // Its rate fell: it is another one than the next of the long cycle.
  TrainingHooks stopped;
  stopped.epoch = [&](const TrainingProgress& progress) {
    return progress.epoch < static_cast<int>(accuracy.size());
  };
  const auto cut = Train(*base, set, Quick(30), 3, stopped);
  ASSERT_TRUE(cut.ok());
  EXPECT_NE(WeightsOf(*early->model), WeightsOf(*cut->model));

  auto blind = set;
  blind.held_out.clear();
  const auto all = Train(*base, blind, Quick(12), 3, hooks);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->accuracy.size(), 12U);
}

TEST(Train, GoesOnFromTheStateOfItsOwnPrecisionAndPatienceAlone) {
  const auto base = MakeBase();
  const auto set = MakeSet(48, 20);
  const auto file = std::filesystem::path(testing::TempDir()) /
                    (std::to_string(getpid()) + "-precision.safetensors");
  TrainingHooks hooks;
  hooks.state_file = file;
  const auto minibatches = [&](models::Precision precision, int patience) {
    const auto model = base->Clone();
    model->SetTrainingPrecision(precision);
    int count = 0;
    hooks.patience = patience;
    hooks.checkpoint = [&] { return ++count > 0; };
    EXPECT_TRUE(Train(*model, set, Quick(2), 3, hooks).ok());
    return count;
  };
  EXPECT_GT(minibatches(models::Precision::kFloat32, 0), 0);
  EXPECT_EQ(minibatches(models::Precision::kFloat32, 0), 0);
  EXPECT_GT(minibatches(models::Precision::kBfloat16, 0), 0);
  EXPECT_EQ(minibatches(models::Precision::kBfloat16, 0), 0);
  EXPECT_GT(minibatches(models::Precision::kBfloat16, 1), 0);
  std::filesystem::remove(file);
}

TEST(Train, GrowsByClassesThatItsBaseDoesNotKnow) {
  TrainingSet first;
  first.training = MakeSamples(80, 2, 1);
  const auto two = Train(*MakeBase(), first, Quick(), 1, {});
  ASSERT_TRUE(two.ok());
  TrainingSet next;
  for (auto& sample : MakeSamples(90, 3, 2)) {
    if (sample.label == 2) next.training.push_back(sample);
  }
  next.exemplars = MakeSamples(40, 2, 3);
  next.new_classes = {"middle"};
  const auto three = Train(*two->model, next, Quick(), 1, {});
  ASSERT_TRUE(three.ok()) << three.error().message;
  EXPECT_EQ(three->model->classes(), (std::vector<std::string>{"class0", "class1", "middle"}));
  EXPECT_GE(*MeasureAccuracy(*three->model, MakeSamples(90, 3, 5)), 0.9);
  next.new_classes = {"class1"};
  EXPECT_THAT(Refusal(next, Quick()), HasSubstr("class1"));
}

TEST(Train, KeepsTheServedModelsAnswers) {
  TrainingSet set = MakeSet();
  const auto served = Train(*MakeBase(), set, Quick(3), 1, {});
  ASSERT_TRUE(served.ok());
  const auto test = MakeSamples(60, 2, 5);
  const auto scores = [&](models::Classifier& model) {
    std::vector<const Image*> pictures;
    for (const auto& sample : test) pictures.push_back(&sample.image);
    return *model.Classify(pictures, 0);
  };
  const auto before = scores(*served->model);
  // How far the scores of what the served model got right move, on average.
  const auto moved = [&](double distillation) {
    auto configuration = Quick(6);
    configuration.distillation = distillation;
    configuration.learning_rate = 0.01;
    const auto after = scores(*Train(*served->model, set, configuration, 1, {})->model);
    double sum = 0;
    int right = 0;
    for (std::size_t i = 0; i < test.size(); ++i) {
      if (before[i].class_index != test[i].label) continue;
      ++right;
      const bool same = after[i].class_index == test[i].label;
      sum += std::abs(before[i].score - (same ? after[i].score : 1 - after[i].score));
    }
    return sum / right;
  };
  EXPECT_LT(moved(4), 0.9 * moved(0));
}

TEST(Train, ComputesFrozenStagesOnce) {
  const auto base = MakeBase();
  auto configuration = Quick(20);
  const auto seconds = [&](int stages, int epochs) {
    configuration.trained_stages = stages;
    configuration.epochs = epochs;
    return Train(*base, MakeSet(200, 0), configuration, 1, {})->cpu_seconds;
  };
  // An epoch of the head alone is next to nothing beside one of everything.
  EXPECT_LT(10 * (seconds(1, 20) - seconds(1, 5)), seconds(5, 20) - seconds(5, 5));
}

TEST(FeaturesOf, TellsAlikeFromUnlike) {
  const auto model = MakeBase();
  const auto samples = MakeSamples(40, 2, 1);
  const auto rows = FeaturesOf(*model, samples);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 40U);
  EXPECT_EQ((*FeaturesOf(*model, {samples[7]}))[0].size(), rows->front().size());
  EXPECT_NEAR((*FeaturesOf(*model, {samples[7]}))[0][0], (*rows)[7][0], 1e-5);
  EXPECT_TRUE(FeaturesOf(*model, {})->empty());
}

TEST(SplitByTime, HoldsOutTheLastFrames) {
  std::vector<Sample> samples;
  for (const double time : {3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 3.0}) {
    samples.push_back({{}, 0, time});
  }
  const auto set = SplitByTime(samples, 0.3, std::vector<Sample>(2));
  EXPECT_EQ(set.exemplars.size(), 2U);
  // 3 of 10 wanted; the frame at 3 has four, and frames stay whole.
  ASSERT_EQ(set.held_out.size(), 4U);
  for (const auto& sample : set.held_out) EXPECT_EQ(sample.time_seconds, 3);
  for (const auto& sample : set.training) EXPECT_LT(sample.time_seconds, 3);
}

TEST(SplitByTime, KeepsOneSampleOnEitherSide) {
  for (const double fraction : {1e-9, 0.5, 1.0, 7.0}) {
    for (const bool same_time : {false, true}) {
      for (const int count : {2, 3, 10}) {
        std::vector<Sample> samples;
        for (int i = 0; i < count; ++i) samples.push_back({{}, i, same_time ? 0.0 : i});
        const auto set = SplitByTime(samples, fraction, {});
        EXPECT_GE(set.training.size(), 1U);
        EXPECT_GE(set.held_out.size(), 1U);
        EXPECT_EQ(set.training.size() + set.held_out.size(), static_cast<std::size_t>(count));
      }
    }
  }
  EXPECT_EQ(SplitByTime(std::vector<Sample>(1), 0.5, {}).training.size(), 1U);
  EXPECT_TRUE(SplitByTime({}, 0.5, {}).training.empty());
  EXPECT_TRUE(SplitByTime(std::vector<Sample>(9), 0, {}).held_out.empty());
}

TEST(MeasureAccuracy, IsTheFractionThatIsRight) {
  const auto model = MakeBase();
  EXPECT_EQ(*MeasureAccuracy(*model, {}), 0);
  auto samples = MakeSamples(40, 2, 3);
  const double accuracy = *MeasureAccuracy(*model, samples);
  for (auto& sample : samples) sample.label = 1 - sample.label;
  EXPECT_DOUBLE_EQ(*MeasureAccuracy(*model, samples), 1 - accuracy);
}

/// Skips where there is no CUDA device.
class TrainOnCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (models::CudaDevices() == 0) GTEST_SKIP() << "needs a CUDA device, and LibTorch sees none";
  }
  static constexpr Device kCuda{Device::Kind::kCuda, 0};
};

TEST_F(TrainOnCuda, LearnsAsOnAProcessor) {
  const auto base = MakeBase();
  ASSERT_TRUE(base->MoveTo(kCuda).ok());
  const auto set = MakeSet();
  for (const int stages : {1, 5}) {
    for (const models::Precision precision :
         {models::Precision::kFloat32, models::PrecisionOf("auto", kCuda)}) {
      base->SetTrainingPrecision(precision);
      auto configuration = Quick();
      configuration.trained_stages = stages;
      configuration.distillation = 0.5;
      const auto outcome = Train(*base, set, configuration, 1, {});
      ASSERT_TRUE(outcome.ok()) << outcome.error().message;
      EXPECT_EQ(outcome->model->device(), kCuda);
      EXPECT_EQ(*MeasureAccuracy(*outcome->model, set.held_out), outcome->accuracy.back());
      EXPECT_GE(outcome->accuracy.back(), stages == 5 ? 0.95 : outcome->start_accuracy);
      EXPECT_GT(outcome->cpu_seconds, 0);
    }
  }
  const auto features = FeaturesOf(*base, set.held_out);
  ASSERT_TRUE(features.ok()) << features.error().message;
  EXPECT_EQ(features->size(), set.held_out.size());
}

TEST_F(TrainOnCuda, TakesATeacherAndAStateFromAProcessor) {
  const auto base = MakeBase();
  auto set = MakeSet();
  set.teacher = base.get();
  const auto there = base->Clone();
  ASSERT_TRUE(there->MoveTo(kCuda).ok());
  auto configuration = Quick(3);
  configuration.distillation = 1;
  configuration.last_hidden = 4;
  const auto taught = Train(*there, set, configuration, 1, {});
  ASSERT_TRUE(taught.ok()) << taught.error().message;

  TrainingHooks hooks;
  hooks.state_file =
      std::filesystem::path(testing::TempDir()) / (std::to_string(getpid()) + "-moved.state");
  set.teacher = nullptr;
  // Stopped by whoever asks after two epochs; goes on there.
  configuration = Quick(4);
  configuration.distillation = 0;
  int epochs = 0;
  hooks.checkpoint = [&] { return epochs < 2; };
  hooks.epoch = [&](const TrainingProgress&) { return ++epochs < 100; };
  ASSERT_FALSE(Train(*base, set, configuration, 1, hooks).ok());
  epochs = 0;
  int minibatches = 0;
  hooks.checkpoint = [&] { return ++minibatches > 0; };
  const auto resumed = Train(*there, set, configuration, 1, hooks);
  std::filesystem::remove(hooks.state_file);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(resumed->accuracy.size(), 4U);
  EXPECT_EQ(minibatches, 2 * 6);  // of 96 samples, 16 at a time
}

}  // namespace
}  // namespace ekya::retrain
