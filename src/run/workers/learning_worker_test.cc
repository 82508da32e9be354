#include "run/workers/learning_worker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "platform/datasets/frame_file.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LearningWorkerTest : public testing::Test {
 protected:
  LearningWorkerTest()
      : folder_(fs::temp_directory_path() / fmt::format("ekya-learning-{}", getpid())),
        enforcer_(*resources::MakeShareEnforcer("pacing")) {
    fs::create_directories(folder_);
  }
  ~LearningWorkerTest() override { fs::remove_all(folder_); }

  void AddCamera(const std::string& id, const std::string& task) {
    CameraSettings camera;
    camera.id = id;
    camera.task = task;
    site_.cameras.push_back(camera);
  }

  /// `count` frames of one region each, in a file.
  std::string Frames(int count) {
    datasets::KeptFrames kept;
    kept.seen = count;
    for (int i = 0; i < count; ++i) {
      auto frame = std::make_shared<Frame>();
      frame->index = i;
      frame->time_seconds = i;
      frame->image = {64, 64,
                      std::vector<std::uint8_t>(std::size_t{3} * 64 * 64, i % 2 == 0 ? 40 : 200)};
      frame->regions = {{{8, 8, 48, 48}, i % 2, -1}};
      kept.frames.push_back(std::move(frame));
      kept.uncertainty.push_back(0.5);
    }
    const std::string file = (folder_ / "frames.safetensors").string();
    EXPECT_TRUE(datasets::SaveFrames(file, kept).ok());
    return file;
  }

  /// Has `worker` take in a window of dark and of light regions.
  void Teach(LearningWorker& worker, const Pupil& pupil) {
    const std::string frames = Frames(24);
    const auto labels = worker.Label(pupil, 0, frames);
    ASSERT_TRUE(labels.ok()) << labels.error().message;
    ASSERT_TRUE(worker.Take(pupil, 0, frames, labels->labels, std::nullopt).ok());
  }

  const fs::path folder_;
  const std::unique_ptr<resources::ShareEnforcer> enforcer_;
  Site site_;
};

TEST_F(LearningWorkerTest, EachTaskHasAGoldenModelOfItsOwn) {
  const fs::path models = fs::path(EKYA_SHARED_DIR) / "models";
  if (!fs::exists(models / "yolox_nano.onnx")) GTEST_SKIP() << "needs ../shared/models";
  AddCamera("lot", "classification");
  AddCamera("street", "detection");
  site_.golden.source = "model";
  site_.golden.detector = (models / "yolox_nano.onnx").string();
  LearningWorker worker("learning", {site_, 1, folder_, *enforcer_});
  const auto missing = worker.Label({"lot", {"plane", "car"}}, 0, Frames(4));
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("camera lot: found no golden model for task "
                                                 "classification, expected golden.classifier"));

  site_.golden.classifier = (models / "resnet20_cifar10.onnx").string();
  site_.golden.classes = {"airplane", "automobile", "bird",  "cat",  "deer",
                          "dog",      "frog",       "horse", "ship", "truck"};
  // Whatever stands first, by the classes that each camera tells apart.
  const auto classified = worker.Label({"lot", {"truck", "bird"}}, 0, Frames(4));
  ASSERT_TRUE(classified.ok()) << classified.error().message;
  ASSERT_FALSE(classified->labels.empty());
  for (const FrameLabel& label : classified->labels) {
    ASSERT_EQ(label.objects.size(), 1U) << "one region each";
    EXPECT_LT(label.objects[0].class_index, 2);
  }
  const auto found = worker.Label({"street", {"person", "car"}}, 0, Frames(4));
  ASSERT_TRUE(found.ok()) << found.error().message;
  for (const FrameLabel& label : found->labels) {
    EXPECT_TRUE(label.objects.empty()) << "there is nothing in a grey picture";
  }
}

TEST_F(LearningWorkerTest, ARetrainingEndsEarlyAndATrialByItsOwnRule) {
  AddCamera("lot", "classification");
  site_.model.width = 0.0625;
  site_.model.input_size = 16;
  site_.learning.patience = 2;
  LearningWorker worker("learning", {site_, 1, folder_, *enforcer_});
  TrainingJob job;
  job.pupil = {"lot", {"dark", "light"}};
  ASSERT_NO_FATAL_FAILURE(Teach(worker, job.pupil));
  job.configuration.epochs = 40;
  job.configuration.batch_size = 4;
  job.configuration.learning_rate = 0.05;
  job.compare = true;
  job.out = (folder_ / "trained.safetensors").string();
  const auto trained = worker.Train(job);
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  // Dark and light are told apart in a few epochs; then two without gain, and the last one.
  EXPECT_EQ(trained->accuracy.back(), 1);
  EXPECT_LT(trained->accuracy.size(), 40U);
  EXPECT_TRUE(trained->whole);
  EXPECT_EQ(worker.Pulse().epochs, static_cast<int>(trained->accuracy.size()));
  site_.learning.patience = 0;
  const auto all = worker.Train(job);
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(all->accuracy.size(), 40U);
  EXPECT_LT(trained->cpu_seconds, all->cpu_seconds);
}

TEST_F(LearningWorkerTest, ATrialEndsWithAWholeEpochWhenItsTurnIsOver) {
  AddCamera("lot", "classification");
  site_.model.width = 0.0625;
  site_.model.input_size = 16;
  LearningWorker worker("learning", {site_, 1, folder_, *enforcer_});
  TrainingJob job;
  job.pupil = {"lot", {"dark", "light"}};
  ASSERT_NO_FATAL_FAILURE(Teach(worker, job.pupil));
  job.trial = true;
  job.configuration.epochs = 3;
  // Learns nothing: no plateau ends it, which needs three epochs.
  job.configuration.learning_rate = 1e-9;
  job.out = (folder_ / "trained.safetensors").string();
  const auto unhurried = worker.Train(job);
  ASSERT_TRUE(unhurried.ok()) << unhurried.error().message;
  ASSERT_GT(unhurried->accuracy.size(), 1U);
  job.turn_end = MonotonicClock().Now();
  const auto hurried = worker.Train(job);
  ASSERT_TRUE(hurried.ok()) << hurried.error().message;
  EXPECT_EQ(hurried->accuracy.size(), 1U);
  EXPECT_TRUE(hurried->whole) << "a retraining goes on from its model";
  EXPECT_TRUE(fs::exists(job.out));
}

}  // namespace
}  // namespace ekya::workers
