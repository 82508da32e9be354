#include "run/workers/model_swap.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace ekya::workers {
namespace {

using testing::HasSubstr;

/// Reads well, and cannot answer.
class DumbModel : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame&, int) override {
    return Error{ErrorCode::kFailed, "the engine fails"};
  }

 private:
  const std::vector<std::string> classes_ = {"free", "busy"};
};

/// As another learner, but that what it makes to serve cannot answer.
class DumbLearner : public Learner {
 public:
  explicit DumbLearner(Learner& learner) : learner_(learner) {}
  Status Take(int window, const std::vector<FramePtr>& frames,
              const std::vector<labels::Labeller::Labels>& labels) override {
    return learner_.Take(window, frames, labels);
  }
  Material MaterialOf(int window, std::size_t most) const override {
    return learner_.MaterialOf(window, most);
  }
  std::vector<int> SamplesPerClass(int window) const override {
    return learner_.SamplesPerClass(window);
  }
  Result<Learned> Train(const models::LearningModel& base, int window, std::size_t most,
                        const RetrainingConfiguration& configuration, std::uint64_t seed,
                        const retrain::TrainingHooks& hooks) const override {
    return learner_.Train(base, window, most, configuration, seed, hooks);
  }
  Result<Learned> TrainFirst(const models::LearningModel& base, int window,
                             const RetrainingConfiguration& configuration,
                             std::uint64_t seed) const override {
    return learner_.TrainFirst(base, window, configuration, seed);
  }
  Result<double> Measure(const models::LearningModel& model, int window) const override {
    return learner_.Measure(model, window);
  }
  Result<PairedMeasure> Compare(const models::LearningModel& served,
                                const models::LearningModel& candidate, int window) const override {
    return learner_.Compare(served, candidate, window);
  }
  std::unique_ptr<models::LearningModel> Clone(const models::LearningModel& model) const override {
    return learner_.Clone(model);
  }
  Result<std::shared_ptr<const models::LearningModel>> Beginning(int window) const override {
    return learner_.Beginning(window);
  }
  Result<std::shared_ptr<models::Model>> MakeServed(const models::LearningModel&,
                                                    double) const override {
    return std::shared_ptr<models::Model>(std::make_shared<DumbModel>());
  }

 private:
  Learner& learner_;
};

class ModelSwapTest : public testing::Test {
 protected:
  ModelSwapTest() {
    camera_.id = "lobby";
    camera_.task = "classification";
    camera_.classes = {"free", "busy"};
    ModelSettings model;
    model.architecture = "resnet18";
    model.width = 0.0625;
    model.input_size = 32;
    auto opened = OpenLearner(camera_, camera_.classes, model, learning_, 1, folder_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    opened_ = std::move(*opened);
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(opened_.model->Save(weights_).ok());
    auto frame = std::make_shared<Frame>();
    frame->image = {32, 32, std::vector<std::uint8_t>(3u * 32 * 32, 40)};
    frame->regions.resize(1);
    frame->regions[0].box = {4, 4, 16, 16};
    sample_ = std::move(frame);
  }
  ~ModelSwapTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("ekya-swap-{}", getpid());
  const std::string weights_ = (folder_ / "candidate.safetensors").string();
  const std::unique_ptr<resources::ShareEnforcer> enforcer_ =
      *resources::MakeShareEnforcer("pacing");
  CameraSettings camera_;
  LearningSettings learning_;
  OpenedLearner opened_;
  models::ModelSlot slot_;
  FramePtr sample_;
};

TEST_F(ModelSwapTest, AModelThatFailsOnItsSampleNeverServes) {
  ModelSwap swap(camera_, learning_, *opened_.learner, *enforcer_, slot_);
  const Status first = swap.Serve({1, weights_, 1}, sample_);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const models::ServedModel served = slot_.Get();
  ASSERT_EQ(served.version, 1);
  ASSERT_TRUE(served.model->Analyze(*sample_, 0).ok());

  const DumbLearner dumb(*opened_.learner);
  ModelSwap dumb_swap(camera_, learning_, dumb, *enforcer_, slot_);
  const Status refused = dumb_swap.Serve({2, weights_, 1}, sample_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kFailed);
  EXPECT_THAT(refused.error().message, HasSubstr(weights_));
  EXPECT_THAT(refused.error().message, HasSubstr("the engine fails"));
  EXPECT_EQ(slot_.Get().version, 1);
  EXPECT_EQ(slot_.Get().model, served.model) << "what served goes on";

  // Nor where nothing answers yet, as after a worker's restart.
  models::ModelSlot empty;
  ModelSwap restarted(camera_, learning_, dumb, *enforcer_, empty);
  EXPECT_FALSE(restarted.Serve({2, weights_, 1}, sample_).ok());
  EXPECT_EQ(empty.Get().model, nullptr);
}

TEST_F(ModelSwapTest, AFileThatIsNoModelNeverServes) {
  ModelSwap swap(camera_, learning_, *opened_.learner, *enforcer_, slot_);
  ASSERT_TRUE(swap.Serve({1, weights_, 1}, sample_).ok());
  std::filesystem::resize_file(weights_, std::filesystem::file_size(weights_) / 2);
  const Status refused = swap.Serve({2, weights_, 1}, sample_);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr(weights_));
  EXPECT_EQ(slot_.Get().version, 1);
}

}  // namespace
}  // namespace ekya::workers
