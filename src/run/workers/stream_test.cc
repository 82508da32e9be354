#include "run/workers/stream.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "core/scorer.h"
#include "platform/datasets/frame_file.h"
#include "run/workers/learning_worker.h"
#include "run/workers/thread_workers.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A learning worker whose labels tell the truth, and whose golden model does or does not say so
/// twice.
class TestLearning : public LearningWorker {
 public:
  TestLearning(bool steady, const LearningPlace& place)
      : LearningWorker("learning", place), steady_(steady) {}
  Result<WindowLabels> Label(const Pupil&, int, const std::string& file) override {
    const auto kept = datasets::LoadFrames(file);
    EXPECT_TRUE(kept.ok()) << kept.error().message;
    EXPECT_EQ(kept->uncertainty.size(), kept->frames.size());
    WindowLabels labels;
    for (const FramePtr& frame : kept->frames) {
      std::vector<Detection> objects = TruthOf(*frame);
      std::vector<Detection> second = objects;
      for (Detection& each : second) {
        if (!steady_) each.box.x += 100;
      }
      labels.first_looks.push_back(objects);
      labels.second_looks.push_back(std::move(second));
      labels.last = frame->index;
      labels.labels.push_back({frame->index, std::move(objects), true});
    }
    return labels;
  }

 private:
  const bool steady_;
};

/// One that dies under its first trainings.
class DyingLearning : public TestLearning {
 public:
  DyingLearning(int deaths, const LearningPlace& place)
      : TestLearning(true, place), deaths_(deaths) {}
  Result<TrainingReport> Train(const TrainingJob& job) override {
    if (deaths_-- > 0) return Error{ErrorCode::kUnavailable, "killed"};
    return TestLearning::Train(job);
  }

 private:
  int deaths_;
};

class StreamTest : public testing::Test {
 protected:
  StreamTest()
      : folder_(fs::temp_directory_path() / fmt::format("ekya-stream-{}", getpid())),
        enforcer_(*resources::MakeShareEnforcer("pacing")) {
    site_.compute.window_seconds = 3;
    site_.learning.bootstrap_epochs = 1;
    camera_.id = "a";
    camera_.url = "scene:intersection";
    camera_.frames_per_second = 5;
    camera_.classes = {"person", "car"};
    model_.width = 0.0625;
    model_.input_size = 32;
  }
  ~StreamTest() override { fs::remove_all(folder_); }

  std::unique_ptr<Stream> Open(bool resume = false) {
    environment_.emplace(StreamEnvironment{site_, 1, folder_, MonotonicClock(), &store_, recorder_,
                                           [](const window::Event&) {}});
    site_.cameras = {camera_};
    site_.model = model_;
    auto stream =
        Stream::Open(camera_, resume, workers_->MakeStream(camera_, model_, {}), *environment_);
    EXPECT_TRUE(stream.ok()) << stream.error().message;
    return std::move(*stream);
  }

  /// Another model than the one that serves, as a training leaves it.
  std::string Candidate(const Stream& stream) {
    const std::string file = (folder_ / "candidate.safetensors").string();
    fs::copy_file(stream.weights(), file, fs::copy_options::overwrite_existing);
    return file;
  }

  const fs::path folder_;
  registry::ModelStore store_{*registry::ModelStore::Open(folder_ / "models")};
  Recorder recorder_{folder_ / "registry.db"};
  const std::unique_ptr<resources::ShareEnforcer> enforcer_;
  std::optional<StreamEnvironment> environment_;
  Site site_;
  const std::unique_ptr<Workers> workers_ =
      MakeThreadWorkers(site_, 1, folder_, MonotonicClock(), *enforcer_);
  TestLearning steady_{true, {site_, 1, folder_, *enforcer_}};
  TestLearning fickle_{false, {site_, 1, folder_, *enforcer_}};
  CameraSettings camera_;
  ModelSettings model_;
};

TEST_F(StreamTest, LearnsFromLabelsThatAreBelieved) {
  for (const char* task : {"classification", "detection"}) {
    camera_.task = task;
    model_.architecture = camera_.task == "detection" ? "tiny-yolov3" : "resnet18";
    const auto stream = Open();
    TestLearning learning{true, {site_, 1, folder_, *enforcer_}};
    const Status status = stream->Bootstrap(learning);
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(stream->version(), 1);
    EXPECT_TRUE(stream->Observe().learns);
    const auto labelled = stream->Label(0, learning);
    ASSERT_TRUE(labelled.ok());
    EXPECT_GT(labelled->samples, 0);
    EXPECT_EQ(labelled->doubt, "");
    EXPECT_TRUE(fs::exists(folder_ / "models/a/1/weights.safetensors"));
    fs::remove_all(folder_ / "models");
  }
}

TEST_F(StreamTest, AFirstTrainingOutlivesItsWorker) {
  DyingLearning dies_twice{2, {site_, 1, folder_, *enforcer_}};
  const auto stream = Open();
  const Status first = stream->Bootstrap(dies_twice);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(stream->version(), 1);

  camera_.id = "b";
  DyingLearning keeps_dying{100, {site_, 1, folder_, *enforcer_}};
  const Status never = Open()->Bootstrap(keeps_dying);
  ASSERT_FALSE(never.ok());
  EXPECT_THAT(never.error().message, HasSubstr("camera b: bootstrap"));
}

TEST_F(StreamTest, AGoldenModelThatContradictsItselfIsNotLearnedFrom) {
  const auto stream = Open();
  testing::internal::CaptureStderr();
  const Status status = stream->Bootstrap(fickle_);
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_THAT(log, HasSubstr("contradicts itself"));
  EXPECT_EQ(stream->version(), 0) << "nothing was trained";
  const auto labelled = stream->Label(0, fickle_);
  ASSERT_TRUE(labelled.ok());
  EXPECT_EQ(labelled->samples, 0);
  EXPECT_THAT(labelled->doubt, HasSubstr("contradicts itself"));
}

TEST_F(StreamTest, ObeysPinsAndRollBacks) {
  const auto stream = Open();
  ASSERT_TRUE(stream->Bootstrap(steady_).ok());
  ASSERT_EQ(stream->version(), 1);
  EXPECT_FALSE(stream->Obey()) << "nothing was ordered";
  ModelOrigin origin;
  origin.configuration = "all/3";
  origin.accuracy = 0.75;
  origin.samples = 40;
  origin.reason = "better";
  origin.classes = {"car", "person", "bus"};
  origin.new_classes = {"bus"};
  origin.temperature = 1.75;
  ASSERT_TRUE(stream->Serve(Candidate(*stream), origin).ok());
  EXPECT_EQ(stream->version(), 2);

  const auto operator_registry = registry::Registry::Open(folder_ / "registry.db").value();
  ASSERT_TRUE(operator_registry->SetPin({"a", 1, 0}).ok());
  EXPECT_TRUE(stream->Obey());
  EXPECT_EQ(stream->version(), 1);
  EXPECT_FALSE(stream->Obey()) << "done already";
  const Status refused = stream->Serve(Candidate(*stream), origin);
  EXPECT_THAT(refused.error().message, HasSubstr("pinned at version 1"));

  ASSERT_TRUE(operator_registry->Unpin("a").ok());
  ASSERT_TRUE(store_.Point("a", registry::Alias::kServing, 2).ok());
  EXPECT_TRUE(stream->Obey());
  EXPECT_EQ(stream->version(), 2);
  EXPECT_EQ(stream->Observe().accuracy, 0.75);
  ASSERT_TRUE(stream->Serve(Candidate(*stream), origin).ok());
  EXPECT_EQ(stream->version(), 3);
  EXPECT_EQ(store_.Describe("a", 3)->parent, 2);
  EXPECT_EQ(store_.Describe("a", 3)->reason, "better");
  EXPECT_EQ(store_.Describe("a", 3)->temperature, 1.75);
  EXPECT_EQ(store_.Describe("a", 3)->classes, origin.classes);
  EXPECT_THAT(store_.Describe("a", 1)->classes, testing::ElementsAre("person", "car"));
  const auto events = operator_registry->Events(100);
  ASSERT_TRUE(events.ok());
  EXPECT_THAT(*events,
              testing::Contains(testing::Field(&registry::EventEntry::detail, "version 2: bus")));

  // An order that cannot be obeyed leaves what serves.
  fs::resize_file(folder_ / "models/a/1/weights.safetensors", 100);
  ASSERT_TRUE(operator_registry->SetPin({"a", 1, 0}).ok());
  EXPECT_FALSE(stream->Obey());
  EXPECT_EQ(stream->version(), 3);
}

TEST_F(StreamTest, GoesOnWithTheNewestWholeVersion) {
  {
    const auto stream = Open();
    ASSERT_TRUE(stream->Bootstrap(steady_).ok());
    ModelOrigin origin;
    origin.configuration = "all/3";
    origin.accuracy = 0.75;
    ASSERT_TRUE(stream->Serve(Candidate(*stream), origin).ok());
  }
  {
    const auto again = Open(/*resume=*/true);
    EXPECT_EQ(again->version(), 2);
    EXPECT_EQ(again->Observe().accuracy, 0.75);
    ASSERT_TRUE(again->Bootstrap(steady_).ok()) << "there is nothing to do";
    EXPECT_EQ(again->version(), 2);
  }
  fs::resize_file(folder_ / "models/a/2/weights.safetensors", 100);
  EXPECT_EQ(Open(/*resume=*/true)->version(), 1);
  // A run that begins anew has none of it.
  EXPECT_EQ(Open()->version(), 0);
  EXPECT_FALSE(fs::exists(folder_ / "streams/a/samples"));
}

TEST_F(StreamTest, FramesBelongToAWindowThatBeganBeforeItsTime) {
  site_.cameras = {camera_};
  site_.model = model_;
  const auto worker = workers_->MakeStream(camera_, model_, {});
  ASSERT_TRUE(worker->Open().ok());
  const double start = MonotonicClock().Now();
  ASSERT_TRUE(worker->BeginWindow(9, 1).ok());
  ASSERT_TRUE(worker->Start(start).ok());
  MonotonicClock().SleepUntil(start + 2.5);
  worker->Stop();
  const int first = site_.learning.bootstrap_windows;
  const auto frames = [&](int window) {
    const auto written = worker->WriteFrames(window, (folder_ / "frames.safetensors").string());
    EXPECT_TRUE(written.ok()) << written.error().message;
    return written.ok() ? *written : -1;
  };
  EXPECT_NEAR(frames(first), 5, 1);
  EXPECT_EQ(frames(first + 1), 0);
  EXPECT_NEAR(frames(9), 7, 2);
}

}  // namespace
}  // namespace ekya::workers
