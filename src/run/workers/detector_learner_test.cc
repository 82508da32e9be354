// Which classes a camera's detectors learn, and when.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/random.h"
#include "platform/models/learning_detector.h"
#include "run/workers/learner.h"

namespace ekya::workers {
namespace {

using testing::ElementsAre;

/// A camera that names no classes; what is in front of it are squares, as light as their class
/// says.
class SquaresTest : public testing::Test {
 protected:
  SquaresTest()
      : folder_(std::filesystem::temp_directory_path() / fmt::format("ekya-squares-{}", getpid())) {
    std::filesystem::create_directories(folder_);
    camera_.id = "yard";
    camera_.task = "detection";
    model_.architecture = "tiny-yolov3";
    model_.width = 0.0625;
    model_.input_size = 32;
    configuration_.id = "some";
    configuration_.epochs = 2;
    configuration_.batch_size = 8;
  }
  ~SquaresTest() override { std::filesystem::remove_all(folder_); }

  OpenedLearner Open() {
    auto opened = OpenLearner(camera_, names_, model_, learning_, 1, folder_);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(*opened);
  }

  /// Has `opened` take in window `number`: a picture of one square for each of `classes`, a second
  /// apart.
  static Status Take(const OpenedLearner& opened, int number, const std::vector<int>& classes) {
    std::vector<FramePtr> frames;
    std::vector<labels::Labeller::Labels> labels;
    Random random(static_cast<std::uint64_t>(number) + 1);
    for (const int shown : classes) {
      auto frame = std::make_shared<Frame>();
      frame->image = {32, 32, std::vector<std::uint8_t>(std::size_t{3} * 32 * 32, 170)};
      const auto left = random.Below(16);
      const auto top = random.Below(16);
      for (std::size_t y = top; y < top + 16; ++y) {
        auto* row = frame->image.pixels.data() + 3 * (32 * y + left);
        std::fill_n(row, 3 * 16, static_cast<std::uint8_t>(20 + 100 * shown));
      }
      frame->time_seconds = 100.0 * number + static_cast<double>(frames.size());
      const Box box = {static_cast<double>(left), static_cast<double>(top), 16, 16};
      labels.push_back({frames.size(), {{box, shown, 1}}, true});
      frames.push_back(std::move(frame));
    }
    return opened.learner->Take(number, frames, labels);
  }

  /// `count` of each of `classes`, in turn.
  static std::vector<int> Each(const std::vector<int>& classes, int count) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i) all.insert(all.end(), classes.begin(), classes.end());
    return all;
  }

  Result<Learned> Train(const OpenedLearner& opened, const models::LearningModel& base,
                        int window) const {
    return opened.learner->Train(base, window, kAllHeldOut, configuration_, 1, {});
  }

  const std::vector<std::string> names_ = {"dark", "grey", "light"};
  const std::filesystem::path folder_;
  CameraSettings camera_;
  ModelSettings model_;
  LearningSettings learning_;
  RetrainingConfiguration configuration_;
};

TEST_F(SquaresTest, AModelBeginsWithWhatItIsShownAndLearnsTheRestLater) {
  const OpenedLearner opened = Open();
  EXPECT_EQ(opened.classes, names_);
  EXPECT_EQ(opened.learner->Beginning(0).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(Take(opened, 0, Each({2, 0}, 12)).ok());
  const auto beginning = opened.learner->Beginning(0);
  ASSERT_TRUE(beginning.ok()) << beginning.error().message;
  EXPECT_THAT((*beginning)->classes(), ElementsAre("dark", "light"));
  const auto first = opened.learner->TrainFirst(**beginning, 0, configuration_, 1);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_THAT(first->model->classes(), ElementsAre("dark", "light"));

  // A third one appears: of 48 pictures 31 are trained on, ten or eleven of each.
  ASSERT_TRUE(Take(opened, 1, Each({2, 1, 0}, 16)).ok());
  const auto grown = Train(opened, *first->model, 1);
  ASSERT_TRUE(grown.ok()) << grown.error().message;
  EXPECT_THAT(grown->model->classes(), ElementsAre("dark", "light", "grey"));
  // Trials take a part of the samples, and the same classes.
  configuration_.sample_fraction = 0.2;
  const auto trial = Train(opened, *first->model, 1);
  ASSERT_TRUE(trial.ok()) << trial.error().message;
  EXPECT_LT(trial->samples_per_epoch, grown->samples_per_epoch);
  EXPECT_EQ(trial->model->classes(), grown->model->classes());
  // A retraining goes on from its trial, which knows the class already.
  const auto resumed = Train(opened, *trial->model, 1);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(resumed->model->classes(), grown->model->classes());

  // Each version is served with the classes that it has, by the stream's numbers.
  const auto numbers = [&](models::LearningModel& model) {
    dynamic_cast<models::LearningDetector&>(model).SetScoreThreshold(0);
    Frame frame;
    frame.image = {32, 32, {}};
    Random random(3);
    for (int i = 0; i < 3 * 32 * 32; ++i) {
      frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
    }
    const auto served = opened.learner->MakeServed(model, 1);
    EXPECT_TRUE(served.ok());
    EXPECT_EQ((*served)->classes(), names_);
    std::set<int> seen;
    const auto found = (*served)->Analyze(frame, 0);
    EXPECT_TRUE(found.ok() && !found->empty());
    for (const Detection& each : *found) seen.insert(each.class_index);
    return seen;
  };
  EXPECT_THAT(numbers(*first->model), testing::IsSubsetOf({0, 2}));
  EXPECT_THAT(numbers(*grown->model), testing::IsSubsetOf({0, 1, 2}));
}

TEST_F(SquaresTest, TheServedModelMissesWhatItDoesNotKnow) {
#ifdef EKYA_FAKE_MODELS
  GTEST_SKIP() << "the detector that is made for tests tells no classes apart";
#endif
  const OpenedLearner opened = Open();
  ASSERT_TRUE(Take(opened, 0, Each({2, 0}, 12)).ok());
  configuration_.epochs = 40;
  configuration_.learning_rate = 0.1;
  configuration_.augmentation = false;
  const auto first =
      opened.learner->TrainFirst(**opened.learner->Beginning(0), 0, configuration_, 1);
  ASSERT_TRUE(first.ok()) << first.error().message;
  ASSERT_GT(first->accuracy.back(), 0.5);
  // Trained on are 31 pictures of all; the 17 that are held out show the new class alone.
  std::vector<int> classes = Each({2, 1, 0}, 10);
  classes.insert(classes.end(), 18, 1);
  ASSERT_TRUE(Take(opened, 1, classes).ok());
  const auto grown = Train(opened, *first->model, 1);
  ASSERT_TRUE(grown.ok()) << grown.error().message;
  const auto comparison = opened.learner->Compare(*first->model, *grown->model, 1);
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_EQ(comparison->objects, 17);
  EXPECT_THAT(comparison->outcomes.served, testing::Each(0)) << "whatever it makes of them";
  EXPECT_EQ(comparison->served_accuracy, 0);
  // By the stream's numbers, and as much of each as was found.
  EXPECT_EQ(comparison->outcomes.label, std::vector<int>(17, 1));
  EXPECT_THAT(comparison->outcomes.label_served, testing::Each(0));
  EXPECT_THAT(comparison->outcomes.label_candidate, testing::Contains(1));
  EXPECT_EQ(*opened.learner->Measure(*first->model, 1), 0);
  EXPECT_EQ(grown->start_accuracy, 0);
  EXPECT_GT(comparison->candidate_accuracy, 0.3);
  EXPECT_NEAR(*opened.learner->Measure(*grown->model, 1), comparison->candidate_accuracy, 1e-9);
}

TEST_F(SquaresTest, AClassIsTakenUpFromTenObjectsOn) {
  const OpenedLearner opened = Open();
  ASSERT_TRUE(Take(opened, 0, Each({2, 0}, 12)).ok());
  const auto beginning = *opened.learner->Beginning(0);
  // Six of the new one are in the part that is trained on.
  std::vector<int> classes = Each({0, 1}, 6);
  classes.insert(classes.end(), 8, 2);
  ASSERT_TRUE(Take(opened, 1, classes).ok());
  const auto second = Train(opened, *beginning, 1);
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_THAT(second->model->classes(), ElementsAre("dark", "light"));
  // Six more, beside those that are replayed.
  ASSERT_TRUE(Take(opened, 2, classes).ok());
  const auto third = Train(opened, *second->model, 2);
  ASSERT_TRUE(third.ok()) << third.error().message;
  EXPECT_THAT(third->model->classes(), ElementsAre("dark", "light", "grey"));
}

TEST_F(SquaresTest, AFirstModelHasWhatThereIs) {
  const OpenedLearner opened = Open();
  ASSERT_TRUE(Take(opened, 0, {1, 2, 1}).ok());
  EXPECT_THAT((*opened.learner->Beginning(0))->classes(), ElementsAre("grey", "light"));
  ASSERT_TRUE(Take(opened, 0, Each({1, 1, 1, 1, 2}, 4)).ok());
  EXPECT_THAT((*opened.learner->Beginning(0))->classes(), ElementsAre("grey"));
}

TEST_F(SquaresTest, ClassesThatAreNamedOrClosedAreThereFromTheStart) {
  camera_.classes = names_;
  {
    const OpenedLearner named = Open();
    ASSERT_TRUE(Take(named, 0, Each({2, 0}, 12)).ok());
    EXPECT_EQ((*named.learner->Beginning(0))->classes(), names_);
  }
  camera_.classes.clear();
  learning_.new_classes = false;
  EXPECT_EQ((*Open().learner->Beginning(0))->classes(), names_);
  // A file that lacks one learns it only where it may.
  models::DetectorShape shape;
  shape.width = 0.0625;
  shape.input_size = 32;
  shape.classes = {"light", "blue"};
  model_.path = (folder_ / "start.safetensors").string();
  ASSERT_TRUE((*models::LearningDetector::Create(shape, 1))->Save(model_.path).ok());
  for (const bool may : {false, true}) {
    learning_.new_classes = may;
    const OpenedLearner opened = Open();
    EXPECT_TRUE(opened.knows);
    EXPECT_THAT(opened.classes, ElementsAre("dark", "grey", "light", "blue"));
    ASSERT_TRUE(Take(opened, 0, Each({2, 1}, 24)).ok());
    const auto trained = Train(opened, *opened.model, 0);
    ASSERT_TRUE(trained.ok()) << trained.error().message;
    EXPECT_EQ(trained->model->classes(),
              may ? std::vector<std::string>({"light", "blue", "grey"}) : shape.classes);
  }
}

}  // namespace
}  // namespace ekya::workers
