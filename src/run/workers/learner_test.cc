#include "run/workers/learner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

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
    auto opened = OpenLearner(camera, model, learning, 1, folder_);
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
  EXPECT_EQ(comparison->served, comparison->candidate);
  EXPECT_EQ(comparison->served.size(), 4U);
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
  EXPECT_EQ(opened.learner->MakeServed(*copy)->classes(), opened.model->classes());
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

TEST(OpenLearner, ErrorsNameTheCamera) {
  CameraSettings camera;
  camera.id = "gate";
  ModelSettings model;
  EXPECT_THAT(OpenLearner(camera, model, {}, 1, "/nowhere").error().message,
              HasSubstr("camera gate: classes"));
  camera.classes = {"car"};
  for (const char* task : {"classification", "detection"}) {
    camera.task = task;
    model.path = "/nowhere/weights.safetensors";
    EXPECT_THAT(OpenLearner(camera, model, {}, 1, "/nowhere").error().message,
                HasSubstr("camera gate"));
  }
}

}  // namespace
}  // namespace ekya::workers
