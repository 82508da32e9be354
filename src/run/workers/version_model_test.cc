#include "run/workers/version_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "platform/models/classifier.h"
#include "run/workers/model_swap.h"
#include "stages/swap/calibration.h"

namespace ekya::workers {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Says the same of every frame.
class Sure : public models::Model {
 public:
  Sure(std::vector<std::string> classes, int says, double score)
      : classes_(std::move(classes)), says_(says), score_(score) {}
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame&, int) override {
    return std::vector<Detection>{{{0, 0, 1, 1}, says_, score_}};
  }

 private:
  const std::vector<std::string> classes_;
  const int says_;
  const double score_;
};

const std::vector<std::string> kStream = {"person", "car", "bus"};

TEST(VersionModel, SaysWhatItsStreamCallsAClassAndHowSureItMayBe) {
  const auto version = MakeVersion(
      std::make_shared<Sure>(std::vector<std::string>{"bus", "car"}, 0, 0.95), kStream, 2, 2.5);
  ASSERT_TRUE(version.ok()) << version.error().message;
  EXPECT_EQ((*version)->classes(), kStream);
  const auto found = (*version)->Analyze({}, 0);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)[0].class_index, 2);
  EXPECT_DOUBLE_EQ((*found)[0].score, swap::Calibration(2, 2.5).Apply(0.95));
  EXPECT_LT((*found)[0].score, 0.9);
  const auto as_it_is = MakeVersion(std::make_shared<Sure>(kStream, 1, 1.0), kStream, 3, 1);
  ASSERT_TRUE(as_it_is.ok());
  EXPECT_EQ((*as_it_is)->Analyze({}, 0)->front().class_index, 1);
  EXPECT_EQ((*as_it_is)->Analyze({}, 0)->front().score, 1.0)
      << "a temperature of 1 changes nothing";
}

TEST(VersionModel, AClassThatItsStreamLacksIsAnError) {
  const auto version = MakeVersion(
      std::make_shared<Sure>(std::vector<std::string>{"car", "tram"}, 0, 0.9), kStream, 2, 1);
  ASSERT_FALSE(version.ok());
  EXPECT_THAT(version.error().message,
              HasSubstr("found a model of class \"tram\", expected one of the stream's: person, "
                        "car, bus"));
}

TEST(VersionModel, ASwapChangesModelClassesAndTemperatureAtOnce) {
  // Of each version its number, what it says, and how sure it is told to be.
  const auto first =
      *MakeVersion(std::make_shared<Sure>(std::vector<std::string>{"car"}, 0, 0.9), kStream, 2, 1);
  const auto second = *MakeVersion(
      std::make_shared<Sure>(std::vector<std::string>{"car", "bus"}, 1, 0.9), kStream, 2, 3);
  const double calibrated = swap::Calibration(2, 3).Apply(0.9);
  models::ModelSlot slot;
  slot.Put({1, first});
  std::atomic<bool> enough{false};
  std::thread swapping([&] {
    for (std::int64_t version = 2; !enough; ++version) {
      slot.Put({version, version % 2 == 0 ? second : first});
    }
  });
  int of_second = 0;
  for (int i = 0; i < 20'000 || (of_second == 0 && i < 2'000'000); ++i) {
    const models::ServedModel served = slot.Get();
    const Detection found = served.model->Analyze({}, 0)->front();
    const bool even = served.version % 2 == 0;
    ASSERT_EQ(found.class_index, even ? 2 : 1);
    ASSERT_DOUBLE_EQ(found.score, even ? calibrated : 0.9);
    if (even) ++of_second;
  }
  enough = true;
  swapping.join();
  EXPECT_GT(of_second, 0);
}

class VersionSwapTest : public testing::Test {
 protected:
  VersionSwapTest()
      : folder_(fs::temp_directory_path() / fmt::format("ekya-version-{}", getpid())),
        enforcer_(*resources::MakeShareEnforcer("pacing")) {
    fs::create_directories(folder_);
    camera_.id = "lot";
    model_.width = 0.0625;
    model_.input_size = 16;
    opened_ = *OpenLearner(camera_, {"dark", "light", "red"}, model_, learning_, 1, folder_);
    swap_.emplace(camera_, learning_, *opened_.learner, *enforcer_, slot_);
    auto frame = std::make_shared<Frame>();
    frame->image = {32, 32, std::vector<std::uint8_t>(std::size_t{3} * 32 * 32, 90)};
    frame->regions = {{{0, 0, 32, 32}, {}, -1}};
    sample_ = std::move(frame);
  }
  ~VersionSwapTest() override { fs::remove_all(folder_); }

  std::string Weights(const std::vector<std::string>& classes) {
    models::ClassifierShape shape;
    shape.width = 0.0625;
    shape.input_size = 16;
    shape.classes = classes;
    const std::string file = (folder_ / fmt::format("{}.safetensors", ++files_)).string();
    EXPECT_TRUE((*models::Classifier::Create(shape, 2))->Save(file).ok());
    return file;
  }
  Detection Served() { return slot_.Get().model->Analyze(*sample_, 0)->front(); }

  const fs::path folder_;
  const std::unique_ptr<resources::ShareEnforcer> enforcer_;
  CameraSettings camera_;
  ModelSettings model_;
  LearningSettings learning_;
  OpenedLearner opened_;
  models::ModelSlot slot_;
  std::optional<ModelSwap> swap_;
  FramePtr sample_;
  int files_ = 0;
};

TEST_F(VersionSwapTest, AVersionBringsItsTemperatureAndGoesWithIt) {
  const std::string weights = Weights({"light", "dark"});
  ASSERT_TRUE(swap_->Serve({1, weights, 1}, sample_).ok());
  const Detection plain = Served();
  ASSERT_TRUE(swap_->Serve({2, weights, 4}, sample_).ok());
  EXPECT_EQ(slot_.Get().version, 2);
  EXPECT_EQ(Served().class_index, plain.class_index);
  EXPECT_NEAR(Served().score, swap::Calibration(2, 4).Apply(plain.score), 1e-9);
  // Rolled back.
  ASSERT_TRUE(swap_->Serve({1, weights, 1}, sample_).ok());
  EXPECT_EQ(Served().score, plain.score);
}

TEST_F(VersionSwapTest, WhatCannotServeChangesNothing) {
  ASSERT_TRUE(swap_->Serve({1, Weights({"light"}), 1}, sample_).ok());
  EXPECT_EQ(Served().class_index, 1) << "as the stream numbers classes";
  const Status unknown = swap_->Serve({2, Weights({"light", "tram"}), 1}, sample_);
  EXPECT_THAT(unknown.error().message, HasSubstr("2.safetensors: found a model of class \"tram\""));
  const std::string damaged = Weights({"dark"});
  fs::resize_file(damaged, 60);
  EXPECT_THAT(swap_->Serve({3, damaged, 1}, sample_).error().message, HasSubstr("3.safetensors"));
  EXPECT_EQ(slot_.Get().version, 1);
  EXPECT_EQ(Served().class_index, 1);
}

}  // namespace
}  // namespace ekya::workers
