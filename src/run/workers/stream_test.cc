#include "run/workers/stream.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "core/scorer.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Tells the truth, and says of a golden model that it does or does not say so twice.
class TestLabeller : public labels::Labeller {
 public:
  explicit TestLabeller(bool steady) : steady_(steady) {}
  std::string source() const override { return "golden"; }
  Result<Round> Label(const std::vector<FramePtr>& frames, const std::vector<double>& uncertainty,
                      int, const std::function<bool()>&) override {
    EXPECT_EQ(uncertainty.size(), frames.size());
    Round round;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      std::vector<Detection> objects = TruthOf(*frames[i]);
      std::vector<Detection> second = objects;
      for (Detection& each : second) {
        if (!steady_) each.box.x += 100;
      }
      round.second_looks.push_back({objects, std::move(second)});
      round.labels.push_back({i, std::move(objects), true});
    }
    return round;
  }

 private:
  const bool steady_;
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

  std::unique_ptr<Stream> Open(labels::Labeller& labeller) {
    environment_.emplace(StreamEnvironment{site_, 1, folder_, MonotonicClock(), *enforcer_,
                                           labeller, [](const window::Event&) {}});
    auto stream = Stream::Open(camera_, model_, *environment_);
    EXPECT_TRUE(stream.ok()) << stream.error().message;
    return std::move(*stream);
  }

  const fs::path folder_;
  const std::unique_ptr<resources::ShareEnforcer> enforcer_;
  std::optional<StreamEnvironment> environment_;
  Site site_;
  CameraSettings camera_;
  ModelSettings model_;
};

TEST_F(StreamTest, LearnsFromLabelsThatAreBelieved) {
  for (const char* task : {"classification", "detection"}) {
    camera_.task = task;
    model_.architecture = camera_.task == "detection" ? "tiny-yolov3" : "resnet18";
    TestLabeller labeller(true);
    const auto stream = Open(labeller);
    const Status status = stream->Bootstrap();
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(stream->version(), 1);
    EXPECT_TRUE(stream->Observe().learns);
    const auto labelled = stream->Label(0, [] { return true; });
    ASSERT_TRUE(labelled.ok());
    EXPECT_GT(labelled->samples, 0);
    EXPECT_EQ(labelled->doubt, "");
    EXPECT_TRUE(fs::exists(folder_ / "models/a/1/weights.safetensors"));
    fs::remove_all(folder_ / "models");
  }
}

TEST_F(StreamTest, AGoldenModelThatContradictsItselfIsNotLearnedFrom) {
  TestLabeller labeller(false);
  const auto stream = Open(labeller);
  testing::internal::CaptureStderr();
  const Status status = stream->Bootstrap();
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_THAT(log, HasSubstr("contradicts itself"));
  EXPECT_EQ(stream->version(), 0) << "nothing was trained";
  const auto labelled = stream->Label(0, [] { return true; });
  ASSERT_TRUE(labelled.ok());
  EXPECT_EQ(labelled->samples, 0);
  EXPECT_THAT(labelled->doubt, HasSubstr("contradicts itself"));
}

}  // namespace
}  // namespace ekya::workers
