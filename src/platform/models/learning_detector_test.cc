#include "platform/models/learning_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/random.h"
#include "platform/models/detector.h"
#include "platform/models/served_detector.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

using testing::HasSubstr;

DetectorShape Small(const std::string& architecture) {
  DetectorShape shape;
  shape.architecture = architecture;
  shape.width = 0.05;
  shape.input_size = 64;
  shape.classes = {"red", "blue"};
  return shape;
}

std::unique_ptr<TorchDetector> Make(const DetectorShape& shape, std::uint64_t seed = 1) {
  auto made = LearningDetector::Create(shape, seed);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::unique_ptr<TorchDetector>(dynamic_cast<TorchDetector*>(made->release()));
}

Frame Noise(int width, int height) {
  Frame frame;
  frame.image = {width, height, {}};
  Random random(3);
  for (int i = 0; i < 3 * width * height; ++i) {
    frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
  }
  return frame;
}

std::string Refusal(const DetectorShape& shape) {
  const auto made = LearningDetector::Create(shape, 1);
  return made.ok() ? "made" : made.error().message;
}

class EachDetector : public testing::TestWithParam<const char*> {};

TEST_P(EachDetector, FindsWhatItIsTaughtByHeart) {
  ComputeWithOneThread();
  auto model = Make(Small(GetParam()));
  const std::vector<std::vector<Detection>> truth = {
      {{{4, 6, 20, 24}, 0, 1}, {{36, 30, 22, 26}, 1, 1}}, {}};
  auto images = torch::rand({2, 3, 64, 64}, MakeGenerator(5));
  auto& network = model->network();
  network.SetTrainedStages(network.stages());
  torch::optim::SGD sgd(network.parameters(), torch::optim::SGDOptions(0.02).momentum(0.9));
  double first = 0;
  double last = 0;
  for (int step = 0; step < 60; ++step) {
    const auto loss = model->head().Loss(network.Run(images), truth, 64);
    last = loss.item<double>();
    if (step == 0) first = last;
    sgd.zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(network.parameters(), 10);
    sgd.step();
  }
  EXPECT_LT(last, 0.3 * first);
  const torch::NoGradGuard no_grad;
  auto found = model->head().Decode(network.Run(images), 0, 64, 0.3);
  for (const auto& object : truth[0]) {
    double best = 0;
    for (const auto& detection : found) {
      if (detection.class_index != object.class_index) continue;
      best = std::max(best, IntersectionOverUnion(detection.box, object.box));
    }
    EXPECT_GT(best, 0.5) << object.class_index;
  }
}

TEST_P(EachDetector, TrainsItsLastStagesAlone) {
  ComputeWithOneThread();
  for (const int trained : {0, 1, 3}) {
    auto model = Make(Small(GetParam()));
    auto& network = model->network();
    ASSERT_EQ(network.stages(), 5);
    network.SetTrainedStages(trained);
    const auto loss = model->head().Loss(network.Run(torch::rand({2, 3, 64, 64})),
                                         {{{{4, 6, 20, 24}, 0, 1}}, {}}, 64);
    EXPECT_EQ(loss.requires_grad(), trained > 0);
    if (trained > 0) loss.backward();
    for (std::size_t i = 0; i < network.graph().layers().size(); ++i) {
      auto* convolution = network.convolution(static_cast<int>(i));
      if (convolution == nullptr) continue;
      const Layer& layer = network.graph().layers()[i];
      EXPECT_EQ(convolution->weight.grad().defined(), layer.stage >= 5 - trained) << layer.name;
    }
  }
}

TEST_P(EachDetector, SavesLoadsAndClones) {
  auto model = Make(Small(GetParam()), 4);
  model->SetScoreThreshold(0.001);
  const auto path = std::filesystem::temp_directory_path() /
                    (std::to_string(::getpid()) + "-" + GetParam() + ".safetensors");
  ASSERT_TRUE(model->Save(path).ok());
  const auto loaded = LearningDetector::Load(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_FALSE(Classifier::Load(path).ok());
  std::filesystem::remove(path);
  (*loaded)->SetScoreThreshold(0.001);
  const Frame frame = Noise(100, 80);
  const auto expected = model->Analyze(frame, 0);
  ASSERT_TRUE(expected.ok());
  ASSERT_FALSE(expected->empty());
  for (LearningDetector* other : {loaded->get(), model->Clone().release()}) {
    const auto found = other->Analyze(frame, 0);
    ASSERT_EQ(found->size(), expected->size());
    for (std::size_t i = 0; i < found->size(); ++i) {
      EXPECT_EQ((*found)[i].box.x, (*expected)[i].box.x);
      EXPECT_EQ((*found)[i].score, (*expected)[i].score);
      EXPECT_GE((*found)[i].box.x, 0);
      EXPECT_LE((*found)[i].box.y + (*found)[i].box.height, 80 + 1e-9);
    }
    if (other != loaded->get()) delete other;
  }
  EXPECT_TRUE(model->Analyze(frame, 96).ok());
  EXPECT_THAT(model->Analyze(frame, 50).error().message, HasSubstr("input_size 50"));
  EXPECT_THAT(model->Analyze(Frame{}, 0).error().message, HasSubstr("found no picture"));
}

/// Gives every convolution's rows weights and biases of their own, as training does.
void Shake(Network& network, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const at::Generator generator = MakeGenerator(seed);
  for (std::size_t i = 0; i < network.graph().layers().size(); ++i) {
    auto* convolution = network.convolution(static_cast<int>(i));
    if (convolution == nullptr || !convolution->bias.defined()) continue;
    convolution->weight.normal_(0, 0.3, generator);
    convolution->bias.normal_(0, 1, generator);
  }
}

/// The class scores of each output, as the network gives them: boxes of a place x scores x places.
/// Of SSD the background's is among them.
std::vector<torch::Tensor> ScoresOf(TorchDetector& model, const torch::Tensor& pictures) {
  const auto classes = static_cast<std::int64_t>(model.classes().size());
  const bool yolo = model.shape().architecture != "ssdlite-mobilenetv2";
  std::vector<torch::Tensor> scores;
  for (const auto& output : model.network().Run(pictures)) {
    const auto rows = output[0].flatten(1);
    if (yolo) {
      scores.push_back(rows.view({-1, 5 + classes, rows.size(1)}).narrow(1, 5, classes));
    } else {
      const auto scored = rows.narrow(0, 0, kSsdBoxes * (classes + 1));
      scores.push_back(scored.reshape({kSsdBoxes, classes + 1, rows.size(1)}));
    }
  }
  return scores;
}

std::unique_ptr<TorchDetector> Grow(const LearningDetector& model,
                                    const std::vector<std::string>& classes) {
  auto grown = model.Grown(classes);
  EXPECT_TRUE(grown.ok()) << (grown.ok() ? "" : grown.error().message);
  return std::unique_ptr<TorchDetector>(dynamic_cast<TorchDetector*>(grown->release()));
}

TEST_P(EachDetector, GrowsByClassesAndKeepsWhatItKnew) {
  const torch::NoGradGuard no_grad;
  auto model = Make(Small(GetParam()));
  Shake(model->network(), 7);
  model->SetScoreThreshold(0.06);
  const auto grown = Grow(*model, {"green", "white"});
  EXPECT_THAT(grown->classes(), testing::ElementsAre("red", "blue", "green", "white"));
  EXPECT_EQ(grown->score_threshold(), 0.06);
  const auto pictures = torch::rand({1, 3, 64, 64}, MakeGenerator(5));
  const auto before = ScoresOf(*model, pictures);
  const auto after = ScoresOf(*grown, pictures);
  const bool yolo = GetParam() == std::string("tiny-yolov3");
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto known = after[i].narrow(1, 0, before[i].size(1));
    EXPECT_TRUE(torch::equal(known, before[i])) << "they are computed from the same weights";
    const auto fresh = after[i].narrow(1, before[i].size(1), 2);
    EXPECT_TRUE(torch::equal(fresh.select(1, 0), fresh.select(1, 1)));
    if (yolo) {
      EXPECT_NEAR(fresh.sigmoid().max().item<double>(), 0.01, 1e-6);
      continue;
    }
    // What the new ones are given is what the old ones lose, each as much of what it had.
    const auto shares = after[i].softmax(1);
    const auto given = shares.narrow(1, before[i].size(1), 2).sum(1, /*keepdim=*/true);
    EXPECT_LT(given.mean().item<double>(), 0.02);
    EXPECT_TRUE(torch::allclose(shares.narrow(1, 0, before[i].size(1)),
                                before[i].softmax(1) * (1 - given), 1e-4, 1e-6));
  }
  // So the same is found, and nothing of the new classes.
  const Frame frame = Noise(100, 80);
  const auto expected = model->Analyze(frame, 0);
  const auto found = grown->Analyze(frame, 0);
  ASSERT_TRUE(expected.ok() && found.ok());
  ASSERT_GT(expected->size(), 3U);
  ASSERT_EQ(found->size(), expected->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
    EXPECT_EQ((*found)[i].box.x, (*expected)[i].box.x);
    EXPECT_EQ((*found)[i].box.height, (*expected)[i].box.height);
    EXPECT_NEAR((*found)[i].score, (*expected)[i].score, yolo ? 0 : 0.02);
  }
}

TEST_P(EachDetector, AGrownOneIsSavedLoadedClonedAndServed) {
  const torch::NoGradGuard no_grad;
  const auto model = Make(Small(GetParam()));
  Shake(model->network(), 7);
  const auto grown = Grow(*Grow(*model, {"green"}), {"white"});
  // Trained it would be: the new classes' rows are as good as the others.
  Shake(grown->network(), 8);
  grown->SetScoreThreshold(0.001);
  const auto path = std::filesystem::temp_directory_path() /
                    (std::to_string(::getpid()) + "-grown-" + GetParam() + ".safetensors");
  ASSERT_TRUE(grown->Save(path).ok());
  const auto loaded = LearningDetector::Load(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Frame frame = Noise(100, 80);
  const auto expected = grown->Analyze(frame, 0);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  std::set<int> seen;
  for (const Detection& each : *expected) seen.insert(each.class_index);
  ASSERT_FALSE(seen.empty());
  EXPECT_GE(*seen.rbegin(), 2) << "new classes are among what is found";
  const std::unique_ptr<LearningDetector> clone = grown->Clone();
  for (const std::shared_ptr<Model>& served : {MakeServed(**loaded), MakeServed(*clone)}) {
    EXPECT_EQ(served->classes(), grown->classes());
    const auto found = served->Analyze(frame, 0);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->size(), expected->size());
    for (std::size_t i = 0; i < found->size(); ++i) {
      EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
      EXPECT_NEAR((*found)[i].score, (*expected)[i].score, 1e-4);
      EXPECT_GT(IntersectionOverUnion((*found)[i].box, (*expected)[i].box), 0.999);
    }
  }
}

TEST_P(EachDetector, RefusesToGrowBySenselessClasses) {
  const auto model = Make(Small(GetParam()));
  const auto refusal = [&](const std::vector<std::string>& classes) {
    const auto grown = model->Grown(classes);
    return grown.ok() ? "grown" : grown.error().message;
  };
  EXPECT_EQ(refusal({"green"}), "grown");
  for (const std::vector<std::string>& classes :
       {std::vector<std::string>{"red"}, {"green", "green"}, {""}, {"gr\neen"}}) {
    EXPECT_THAT(refusal(classes), HasSubstr("found class '" + classes.back() +
                                            "', expected names that differ, not empty"));
  }
  EXPECT_THAT(refusal(std::vector<std::string>(5000, "green")), HasSubstr("5002 classes"));
}

INSTANTIATE_TEST_SUITE_P(Detectors, EachDetector,
                         testing::Values("tiny-yolov3", "ssdlite-mobilenetv2"),
                         [](const auto& tested) { return std::string(tested.param).substr(0, 4); });

TEST(LearningDetector, TinyYoloV3HasThePublishedSize) {
  DetectorShape shape;
  shape.classes = CocoNames();
  // yolov3-tiny.weights holds 8,858,734 floats; the means and variances of its norms are no
  // parameters.
  EXPECT_EQ(Make(shape)->parameters(), 8'858'734 - 2 * 3'184);
}

TEST(LearningDetector, SsdLiteHasMobileNetsWeights) {
  DetectorShape shape = Small("ssdlite-mobilenetv2");
  shape.width = 1;
  const auto detector = Make(shape)->network().Store();
  ClassifierShape classifier_shape;
  classifier_shape.architecture = "mobilenetv2";
  classifier_shape.classes = {"a"};
  auto classifier = Classifier::Create(classifier_shape, 1);
  for (const auto& [name, tensor] :
       dynamic_cast<TorchClassifier&>(**classifier).network().Store()) {
    if (name.starts_with("classifier")) continue;
    ASSERT_TRUE(detector.contains("backbone." + name)) << name;
    EXPECT_EQ(detector.at("backbone." + name).shape, tensor.shape) << name;
  }
}

TEST(LearningDetector, RefusesSenselessShapes) {
  const auto with = [](auto change) {
    auto shape = Small("tiny-yolov3");
    change(shape);
    return Refusal(shape);
  };
  EXPECT_EQ(with([](auto&) {}), "made");
  EXPECT_THAT(with([](auto& s) { s.architecture = "yolo9"; }), HasSubstr("tiny-yolov3, ssdlite"));
  EXPECT_THAT(with([](auto& s) { s.width = 0; }), HasSubstr("width 0"));
  EXPECT_THAT(with([](auto& s) { s.input_size = 100; }), HasSubstr("input_size 100"));
  EXPECT_THAT(with([](auto& s) { s.classes = {}; }), HasSubstr("0 classes"));
  EXPECT_THAT(with([](auto& s) { s.architecture = "darknet"; }), HasSubstr("[net]"));
}

TEST(LearningDetector, DetectsWithPublicWeightsAsOpenCvDoes) {
  const auto folder = std::filesystem::path(EKYA_SHARED_DIR) / "models";
  const auto clip = std::filesystem::path(EKYA_SHARED_DIR) / "data" / "clips" / "street_c.mp4";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "shared/models is absent";
  Frame frame;
  // At the network's own size, so that neither resizes.
  frame.image = {320, 320, std::vector<std::uint8_t>(3u * 320 * 320)};
  std::FILE* pipe = ::popen(("ffmpeg -v error -ss 4 -i '" + clip.string() +
                             "' -vf scale=320:320 -frames:v 1 -f rawvideo -pix_fmt rgb24 - "
                             "2>/dev/null")
                                .c_str(),
                            "r");
  ASSERT_NE(pipe, nullptr);
  const std::size_t read = std::fread(frame.image.pixels.data(), 1, 3u * 320 * 320, pipe);
  ::pclose(pipe);
  if (read != 3u * 320 * 320) GTEST_SKIP() << "no ffmpeg to decode a picture of shared/data/clips";

  const auto configuration = folder / "yolo-fastest-1.1-xl.cfg";
  const std::vector<std::string> keep = {"person", "car"};
  for (const auto& kept : {std::vector<std::string>(), keep}) {
    auto ours = LearningDetector::LoadDarknet(configuration, CocoNames(), kept);
    ASSERT_TRUE(ours.ok()) << ours.error().message;
    DetectorOptions options;
    options.keep = kept;
    auto theirs = OpenDetector(configuration, CocoNames(), options);
    ASSERT_TRUE(theirs.ok());
    EXPECT_EQ((*ours)->classes(), (*theirs)->classes());
    const auto found = (*ours)->Analyze(frame, 0);
    const auto expected = (*theirs)->Analyze(frame, 0);
    ASSERT_TRUE(found.ok() && expected.ok());
    ASSERT_FALSE(expected->empty());
    ASSERT_EQ(found->size(), expected->size());
    for (std::size_t i = 0; i < found->size(); ++i) {
      EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
      EXPECT_NEAR((*found)[i].score, (*expected)[i].score, 1e-3);
      EXPECT_NEAR((*found)[i].box.x, (*expected)[i].box.x, 0.3);
      EXPECT_NEAR((*found)[i].box.height, (*expected)[i].box.height, 0.3);
    }
    const auto path = std::filesystem::temp_directory_path() / "ekya-darknet-saved.safetensors";
    const auto grown = Grow(**ours, {"scooter"});
    for (const LearningDetector* saved : {ours->get(), static_cast<LearningDetector*>(&*grown)}) {
      ASSERT_TRUE(saved->Save(path).ok());
      auto loaded = LearningDetector::Load(path);
      std::filesystem::remove(path);
      ASSERT_TRUE(loaded.ok()) << loaded.error().message;
      EXPECT_EQ((*loaded)->classes(), saved->classes());
      const auto again = (*loaded)->Analyze(frame, 0);
      ASSERT_EQ(again->size(), found->size());
      for (std::size_t i = 0; i < again->size(); ++i) {
        EXPECT_EQ((*again)[i].class_index, (*found)[i].class_index);
        EXPECT_EQ((*again)[i].score, (*found)[i].score);
      }
    }
  }
  EXPECT_FALSE(LearningDetector::LoadDarknet(configuration, keep, {}).ok());
  EXPECT_FALSE(LearningDetector::LoadDarknet(configuration, CocoNames(), {"unicorn"}).ok());
}

}  // namespace
}  // namespace ekya::models
