#include "run/workers/learner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.h"
#include "platform/models/classifier.h"
#include "stages/swap/calibration.h"

namespace ekya::workers {
namespace {

using testing::HasSubstr;

/// What both kinds of learners are asked; the one knows crops, the other whole pictures.
class EachLearner : public testing::TestWithParam<const char*> {
 protected:
  EachLearner()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("ekya-learner-{}", getpid())) {
  }
  ~EachLearner() override { std::filesystem::remove_all(folder_); }

  OpenedLearner Open(int exemplars = 10) {
    CameraSettings camera;
    camera.id = "lobby";
    camera.task = GetParam();
    camera.classes = {"red", "blue"};
    ModelSettings model;
    model.architecture = camera.task == "detection" ? "tiny-yolov3" : "resnet18";
    model.width = 0.0625;
    model.input_size = 32;
    LearningSettings learning;
    learning.exemplars_per_class = exemplars;
    auto opened = OpenLearner(camera, camera.classes, model, learning, 1, folder_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(*opened);
  }

  /// `count` frames of one object each, at `first` seconds and after.
  static std::pair<std::vector<FramePtr>, std::vector<labels::Labeller::Labels>> Frames(
      int count, double first) {
    std::vector<FramePtr> frames;
    std::vector<labels::Labeller::Labels> labels;
    for (int i = 0; i < count; ++i) {
      auto frame = std::make_shared<Frame>();
      frame->image = {32, 32, std::vector<std::uint8_t>(3u * 32 * 32, i % 2 == 0 ? 40 : 200)};
      frame->time_seconds = first + i;
      frames.push_back(std::move(frame));
      labels.push_back({static_cast<std::size_t>(i), {{{4, 4, 16, 16}, i % 2, 1}}, true});
    }
    return {frames, labels};
  }

  static RetrainingConfiguration Short() {
    RetrainingConfiguration configuration;
    configuration.id = "short";
    configuration.epochs = 2;
    configuration.batch_size = 4;
    return configuration;
  }

  const std::filesystem::path folder_;
};

TEST_P(EachLearner, SplitsAWindowByTimeAndReplaysTheOnesBefore) {
  const OpenedLearner opened = Open();
  EXPECT_FALSE(opened.knows);
  const auto [frames, labels] = Frames(20, 0);
  ASSERT_TRUE(opened.learner->Take(0, frames, labels).ok());
  const Material first = opened.learner->MaterialOf(0, kAllHeldOut);
  EXPECT_EQ(first.training, 13);
  EXPECT_EQ(first.held_out, 7);
  EXPECT_EQ(first.held_out_objects, 7);
  EXPECT_EQ(first.exemplars, 0);
  const auto [later, later_labels] = Frames(10, 100);
  ASSERT_TRUE(opened.learner->Take(1, later, later_labels).ok());
  // Of the twenty that are kept: as many as are new.
  const Material second = opened.learner->MaterialOf(1, kAllHeldOut);
  EXPECT_EQ(second.training, 6);
  EXPECT_EQ(second.exemplars, 6);
  EXPECT_EQ(opened.learner->MaterialOf(1, 2).held_out, 2);
  EXPECT_EQ(opened.learner->MaterialOf(9, kAllHeldOut).training, 0);
}

TEST_P(EachLearner, AnotherProcessLearnsFromTheSameMaterial) {
  {
    const OpenedLearner opened = Open();
    const auto [frames, labels] = Frames(20, 0);
    ASSERT_TRUE(opened.learner->Take(0, frames, labels).ok());
    const auto [later, later_labels] = Frames(10, 100);
    ASSERT_TRUE(opened.learner->Take(1, later, later_labels).ok());
    // Taken in again, as after a kill between the labels and their answer.
    ASSERT_TRUE(opened.learner->Take(1, later, later_labels).ok());
  }
  const OpenedLearner again = Open();
  EXPECT_EQ(again.learner->MaterialOf(1, kAllHeldOut).training, 6);
  EXPECT_EQ(again.learner->MaterialOf(1, kAllHeldOut).exemplars, 6);
  const auto comparison = again.learner->Compare(*again.model, *again.model, 1);
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(comparison->outcomes.served, comparison->outcomes.candidate);
  EXPECT_EQ(comparison->outcomes.served.size(), 4U);
  EXPECT_EQ(comparison->outcomes.served_loss.size(),
            GetParam() == std::string("detection") ? 0U : 4U);
  EXPECT_EQ(comparison->outcomes.served_loss, comparison->outcomes.candidate_loss);
  EXPECT_EQ(comparison->objects, 4);
  // Damaged samples are passed over, and those of other windows are not.
  std::filesystem::resize_file(folder_ / "samples" / "1.safetensors", 30);
  const OpenedLearner damaged = Open();
  EXPECT_EQ(damaged.learner->MaterialOf(1, kAllHeldOut).training, 0);
  EXPECT_EQ(damaged.learner->MaterialOf(0, kAllHeldOut).training, 13);
}

TEST_P(EachLearner, FramesThatWereSoughtOutDoNotMeasure) {
  const OpenedLearner opened = Open();
  auto [frames, labels] = Frames(20, 0);
  labels[18].uniform = false;
  ASSERT_TRUE(opened.learner->Take(0, frames, labels).ok());
  const Material material = opened.learner->MaterialOf(0, kAllHeldOut);
  EXPECT_EQ(material.training, 13);
  EXPECT_EQ(material.held_out, 6);
}

TEST_P(EachLearner, TrainsMeasuresSavesAndServes) {
  const OpenedLearner opened = Open();
  const auto [frames, labels] = Frames(20, 0);
  ASSERT_TRUE(opened.learner->Take(0, frames, labels).ok());
  const auto learned =
      opened.learner->Train(*opened.model, 0, kAllHeldOut, Short(), 1, retrain::TrainingHooks{});
  ASSERT_TRUE(learned.ok()) << learned.error().message;
  EXPECT_EQ(learned->accuracy.size(), 2U);
  EXPECT_EQ(learned->samples_per_epoch, 13);
  const auto accuracy = opened.learner->Measure(*learned->model, 0);
  ASSERT_TRUE(accuracy.ok());
  EXPECT_GE(*accuracy, 0);
  EXPECT_LE(*accuracy, 1);
  const auto copy = opened.learner->Clone(*learned->model);
  EXPECT_DOUBLE_EQ(*opened.learner->Measure(*copy, 0), *accuracy);
  const auto served = opened.learner->MakeServed(*copy, 2);
  ASSERT_TRUE(served.ok()) << served.error().message;
  EXPECT_EQ((*served)->classes(), opened.model->classes());
  EXPECT_GT(copy->parameters(), 0);
}

TEST_P(EachLearner, TheFirstModelLearnsFromAllWindowsSoFar) {
  const OpenedLearner opened = Open();
  const auto none = opened.learner->TrainFirst(*opened.model, 1, Short(), 1);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  const auto [frames, labels] = Frames(6, 0);
  ASSERT_TRUE(opened.learner->Take(0, frames, labels).ok());
  const auto first = opened.learner->TrainFirst(*opened.model, 1, Short(), 1);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->samples_per_epoch, 6);
  EXPECT_EQ(first->accuracy.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Both, EachLearner, testing::Values("classification", "detection"));

/// A stream whose classes are found out as it goes, of pictures that are as light as their class
/// says, more or less.
class ShadesTest : public testing::Test {
 protected:
  ShadesTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("ekya-shades-{}", getpid())) {
    camera_.id = "lot";
    model_.width = 0.0625;
    model_.input_size = 16;
    learning_.precision = "float32";
    configuration_.id = "some";
    configuration_.epochs = 12;
    configuration_.batch_size = 8;
    configuration_.learning_rate = 0.05;
  }
  ~ShadesTest() override { std::filesystem::remove_all(folder_); }

  OpenedLearner Open() {
    auto opened = OpenLearner(camera_, kNames, model_, learning_, 1, folder_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(*opened);
  }

  /// Frames of one region each; `wrong`: how often another class is said of it.
  struct Window {
    std::vector<FramePtr> frames;
    std::vector<labels::Labeller::Labels> labels;
  };
  static Window Shades(const std::vector<int>& classes, int count, double first, double wrong = 0) {
    Random random(static_cast<std::uint64_t>(first) + 1);
    Window window;
    for (int i = 0; i < count; ++i) {
      const int shown = classes[static_cast<std::size_t>(i) % classes.size()];
      auto frame = std::make_shared<Frame>();
      frame->image = {32, 32, std::vector<std::uint8_t>(std::size_t{3} * 32 * 32)};
      for (auto& value : frame->image.pixels) {
        value = static_cast<std::uint8_t>(30 + 90 * shown + random.Below(20));
      }
      frame->time_seconds = first + i;
      frame->regions = {{{0, 0, 32, 32}, {}, -1}};
      const int said = random.Uniform() < wrong ? classes[random.Below(classes.size())] : shown;
      window.frames.push_back(std::move(frame));
      window.labels.push_back({static_cast<std::size_t>(i), {{{0, 0, 32, 32}, said, 1}}, true});
    }
    return window;
  }
  static Status Take(const OpenedLearner& opened, int number, const Window& window) {
    return opened.learner->Take(number, window.frames, window.labels);
  }

  const std::vector<std::string> kNames = {"dark", "grey", "light"};
  const std::filesystem::path folder_;
  CameraSettings camera_;
  ModelSettings model_;
  LearningSettings learning_;
  RetrainingConfiguration configuration_;
};

TEST_F(ShadesTest, AModelBeginsWithWhatItIsShownAndLearnsTheRestLater) {
  const OpenedLearner opened = Open();
  EXPECT_EQ(opened.classes, kNames);
  EXPECT_EQ(opened.learner->Beginning(0).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(Take(opened, 0, Shades({2, 0}, 24, 0)).ok());
  const auto beginning = opened.learner->Beginning(0);
  ASSERT_TRUE(beginning.ok()) << beginning.error().message;
  EXPECT_THAT((*beginning)->classes(), testing::ElementsAre("dark", "light"));
  const auto first = opened.learner->TrainFirst(**beginning, 0, configuration_, 1);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->accuracy.back(), 1);

  // A third one appears, in the part that is trained on and in the one that is held out.
  ASSERT_TRUE(Take(opened, 1, Shades({2, 1, 0}, 36, 100)).ok());
  EXPECT_THAT(opened.learner->SamplesPerClass(1), testing::Each(testing::Gt(0)));
  const auto served = opened.learner->Measure(*first->model, 1);
  ASSERT_TRUE(served.ok()) << served.error().message;
  EXPECT_LT(*served, 0.7) << "it is wrong about what it does not know";
  const auto grown = opened.learner->Train(*first->model, 1, kAllHeldOut, configuration_, 2,
                                           retrain::TrainingHooks{});
  ASSERT_TRUE(grown.ok()) << grown.error().message;
  EXPECT_THAT(grown->model->classes(), testing::ElementsAre("dark", "light", "grey"));
  EXPECT_GT(grown->accuracy.back(), 0.9);
  const auto comparison = opened.learner->Compare(*first->model, *grown->model, 1);
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  for (std::size_t i = 0; i < comparison->outcomes.label.size(); ++i) {
    if (comparison->outcomes.label[i] == 1) {
      EXPECT_EQ(comparison->outcomes.served[i], 0);
    }
  }
  EXPECT_GT(comparison->candidate_accuracy, comparison->served_accuracy);

  // Each version is served with the classes that it has, by the stream's numbers.
  const Window shown = Shades({2, 1, 0}, 12, 200);
  const auto before = *opened.learner->MakeServed(*first->model, 1);
  const auto after = *opened.learner->MakeServed(*grown->model, comparison->temperature);
  int right = 0;
  for (std::size_t i = 0; i < shown.frames.size(); ++i) {
    const int label = shown.labels[i].objects[0].class_index;
    EXPECT_NE(before->Analyze(*shown.frames[i], 0)->front().class_index, 1);
    right += after->Analyze(*shown.frames[i], 0)->front().class_index == label ? 1 : 0;
  }
  EXPECT_GE(right, 11);
}

TEST_F(ShadesTest, ClassesThatAreNamedOrClosedAreThereFromTheStart) {
  learning_.new_classes = false;
  {
    const OpenedLearner opened = Open();
    ASSERT_TRUE(Take(opened, 0, Shades({2, 0}, 12, 0)).ok());
    EXPECT_EQ((*opened.learner->Beginning(0))->classes(), kNames);
  }
  // A file that lacks one: nothing is added, and what shows it is not trained on.
  models::ClassifierShape shape;
  shape.width = 0.0625;
  shape.input_size = 16;
  shape.classes = {"light", "dark"};
  const std::string file = (folder_ / "start.safetensors").string();
  ASSERT_TRUE((*models::Classifier::Create(shape, 1))->Save(file).ok());
  model_.path = file;
  const OpenedLearner opened = Open();
  EXPECT_TRUE(opened.knows);
  ASSERT_TRUE(Take(opened, 0, Shades({2, 1, 0}, 36, 0)).ok());
  const auto trained = opened.learner->Train(*opened.model, 0, kAllHeldOut, configuration_, 1,
                                             retrain::TrainingHooks{});
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  EXPECT_EQ(trained->model->classes(), shape.classes);
  EXPECT_NEAR(trained->accuracy.back(), 2.0 / 3, 0.1);
  // Named ones are there from the start, whatever labels show.
  learning_.new_classes = true;
  model_.path.clear();
  camera_.classes = kNames;
  EXPECT_EQ((*Open().learner->Beginning(0))->classes(), kNames);
}

TEST_F(ShadesTest, AFileThatLacksAClassLearnsItAndKeepsWhatItKnew) {
  models::ClassifierShape shape;
  shape.width = 0.0625;
  shape.input_size = 16;
  shape.classes = {"light", "blue"};
  std::filesystem::create_directories(folder_);
  model_.path = (folder_ / "start.safetensors").string();
  ASSERT_TRUE((*models::Classifier::Create(shape, 1))->Save(model_.path).ok());
  const OpenedLearner opened = Open();
  EXPECT_THAT(opened.classes, testing::ElementsAre("dark", "grey", "light", "blue"));
  ASSERT_TRUE(Take(opened, 0, Shades({2, 1}, 24, 0)).ok());
  const auto trained = opened.learner->Train(*opened.model, 0, kAllHeldOut, configuration_, 1,
                                             retrain::TrainingHooks{});
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  EXPECT_THAT(trained->model->classes(), testing::ElementsAre("light", "blue", "grey"));
}

TEST_F(ShadesTest, ScoresMeanWhatTheySayOnSamplesThatFittedNothing) {
  const OpenedLearner opened = Open();
  ASSERT_TRUE(Take(opened, 0, Shades({0, 1, 2}, 60, 0)).ok());
  configuration_.epochs = 40;
  configuration_.augmentation = false;
  const auto trained =
      opened.learner->TrainFirst(**opened.learner->Beginning(0), 0, configuration_, 1);
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  // Since then four of ten pictures are called something else, of which the model knows nothing.
  ASSERT_TRUE(Take(opened, 1, Shades({0, 1, 2}, 480, 100, 0.6)).ok());
  const auto comparison = opened.learner->Compare(*trained->model, *trained->model, 1);
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_GT(comparison->temperature, 1.2) << "it is too sure of itself";
  // Neither trained on nor fitted on.
  const Window fresh = Shades({0, 1, 2}, 300, 1000, 0.6);
  const auto error_at = [&](double temperature) {
    const auto served = *opened.learner->MakeServed(*trained->model, temperature);
    std::vector<ScoredSample> samples;
    for (std::size_t i = 0; i < fresh.frames.size(); ++i) {
      const Detection found = served->Analyze(*fresh.frames[i], 0)->front();
      samples.push_back({found.score, found.class_index == fresh.labels[i].objects[0].class_index});
    }
    return swap::CalibrationError(samples);
  };
  const double calibrated = error_at(comparison->temperature);
  EXPECT_GT(error_at(1), 0.2);
  EXPECT_LT(calibrated, 0.6 * error_at(1)) << comparison->temperature;
}

TEST(OpenLearner, ErrorsNameTheCamera) {
  CameraSettings camera;
  camera.id = "gate";
  ModelSettings model;
  EXPECT_THAT(OpenLearner(camera, {}, model, {}, 1, "/nowhere").error().message,
              HasSubstr("camera gate: classes"));
  camera.classes = {"car"};
  for (const char* task : {"classification", "detection"}) {
    camera.task = task;
    model.path = "/nowhere/weights.safetensors";
    EXPECT_THAT(OpenLearner(camera, camera.classes, model, {}, 1, "/nowhere").error().message,
                HasSubstr("camera gate"));
  }
}

}  // namespace
}  // namespace ekya::workers
