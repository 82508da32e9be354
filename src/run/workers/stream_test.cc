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
                                           labeller, &store_, recorder_,
                                           [](const window::Event&) {}});
    auto stream = Stream::Open(camera_, model_, *environment_);
    EXPECT_TRUE(stream.ok()) << stream.error().message;
    return std::move(*stream);
  }

  const fs::path folder_;
  registry::ModelStore store_{*registry::ModelStore::Open(folder_ / "models")};
  Recorder recorder_{folder_ / "registry.db"};
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

TEST_F(StreamTest, ObeysPinsAndRollBacks) {
  TestLabeller labeller(true);
  const auto stream = Open(labeller);
  ASSERT_TRUE(stream->Bootstrap().ok());
  ASSERT_EQ(stream->version(), 1);
  EXPECT_FALSE(stream->Obey()) << "nothing was ordered";
  const auto first = stream->base();
  ModelOrigin origin;
  origin.configuration = "all/3";
  origin.accuracy = 0.75;
  origin.samples = 40;
  origin.reason = "better";
  ASSERT_TRUE(stream->Serve(stream->learner().Clone(*first), origin).ok());
  EXPECT_EQ(stream->version(), 2);
  EXPECT_NE(stream->base(), first);

  const auto operator_registry = registry::Registry::Open(folder_ / "registry.db").value();
  ASSERT_TRUE(operator_registry->SetPin({"a", 1, 0}).ok());
  EXPECT_TRUE(stream->Obey());
  EXPECT_EQ(stream->version(), 1);
  EXPECT_FALSE(stream->Obey()) << "done already";
  const Status refused = stream->Serve(stream->learner().Clone(*first), origin);
  EXPECT_THAT(refused.error().message, HasSubstr("pinned at version 1"));

  ASSERT_TRUE(operator_registry->Unpin("a").ok());
  ASSERT_TRUE(store_.Point("a", registry::Alias::kServing, 2).ok());
  EXPECT_TRUE(stream->Obey());
  EXPECT_EQ(stream->version(), 2);
  EXPECT_EQ(stream->Observe().accuracy, 0.75);
  ASSERT_TRUE(stream->Serve(stream->learner().Clone(*first), origin).ok());
  EXPECT_EQ(stream->version(), 3);
  EXPECT_EQ(store_.Describe("a", 3)->parent, 2);
  EXPECT_EQ(store_.Describe("a", 3)->reason, "better");

  // An order that cannot be obeyed leaves what serves.
  fs::resize_file(folder_ / "models/a/1/weights.safetensors", 100);
  ASSERT_TRUE(operator_registry->SetPin({"a", 1, 0}).ok());
  EXPECT_FALSE(stream->Obey());
  EXPECT_EQ(stream->version(), 3);
}

}  // namespace
}  // namespace ekya::workers
