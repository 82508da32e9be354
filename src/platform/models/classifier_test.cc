#include "platform/models/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <span>
#include <thread>

#include "base/file.h"
#include "base/random.h"
#include "core/safetensors.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ClassifierShape SmallShape() {
  ClassifierShape shape;
  shape.width = 0.042;
  shape.classes = {"free", "busy"};
  return shape;
}

std::unique_ptr<Classifier> MakeSmall(std::uint64_t seed = 1) {
  auto made = Classifier::Create(SmallShape(), seed);
  EXPECT_TRUE(made.ok());
  return std::move(*made);
}

Image NoiseImage(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Image image{width, height, {}};
  image.pixels.resize(static_cast<std::size_t>(width * height * 3));
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  return image;
}

std::filesystem::path Scratch(const std::string& name) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "ekya-models";
  std::filesystem::create_directories(folder);
  return folder / (std::to_string(getpid()) + "-" + name);
}

/// What `shape` is refused with.
std::string Refusal(const ClassifierShape& shape) {
  const auto made = Classifier::Create(shape, 1);
  if (made.ok()) return "made";
  EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
  return made.error().message;
}

/// What a file of `content` is refused with.
std::string LoadRefusal(const TensorFile& content) {
  const auto path = Scratch("refused.safetensors");
  EXPECT_TRUE(WriteFileAtomically(path, FormatSafetensors(content)).ok());
  const auto loaded = Classifier::Load(path);
  std::filesystem::remove(path);
  if (loaded.ok()) return "loaded";
  EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(loaded.error().message, HasSubstr(path.string()));
  return loaded.error().message;
}

TensorFile SavedContent() {
  const auto path = Scratch("saved.safetensors");
  EXPECT_TRUE(MakeSmall()->Save(path).ok());
  auto content = ParseSafetensors(*ReadFile(path), "saved");
  std::filesystem::remove(path);
  EXPECT_TRUE(content.ok());
  return std::move(*content);
}

TEST(Classifier, DependsOnItsSeedAlone) {
  const auto image = NoiseImage(32, 32, 3);
  const auto score = [&](Classifier& model) { return (*model.Classify({&image}, 0))[0].score; };
  const auto a = MakeSmall(5);
  const auto b = MakeSmall(5);
  const auto c = MakeSmall(6);
  EXPECT_EQ(score(*a), score(*b));
  EXPECT_NE(score(*a), score(*c));
}

TEST(Classifier, SaysOfEachCropTheSameAloneOrInABatch) {
  const auto model = MakeSmall();
  std::vector<Image> images;
  for (std::uint64_t i = 0; i < 70; ++i)
    images.push_back(NoiseImage(20 + static_cast<int>(i), 30, i));
  std::vector<const Image*> crops;
  for (const auto& image : images) crops.push_back(&image);
  const auto together = model->Classify(crops, 0);
  ASSERT_TRUE(together.ok());
  ASSERT_EQ(together->size(), 70U);
  for (const std::size_t i : {0U, 31U, 32U, 69U}) {
    const auto alone = model->Classify({crops[i]}, 0);
    EXPECT_EQ((*alone)[0].class_index, (*together)[i].class_index);
    EXPECT_NEAR((*alone)[0].score, (*together)[i].score, 1e-5);
    EXPECT_GE((*alone)[0].score, 0.5);
    EXPECT_EQ((*together)[i].box.width, images[i].width);
  }
  EXPECT_TRUE(model->Classify({}, 0)->empty());
}

TEST(Classifier, AnalysesTheRegionsOfAFrameInOrder) {
  const auto model = MakeSmall();
  Frame frame;
  frame.image = NoiseImage(100, 80, 1);
  EXPECT_TRUE(model->Analyze(frame, 0)->empty());
  frame.regions = {
      {{0, 0, 40, 40}, {}, -1}, {{50, 30, 32, 32}, {}, -1}, {{-10, 70, 30, 30}, {}, -1}};
  const auto found = model->Analyze(frame, 0);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[1].box.x, 50);
  const auto crop = CropAndResize(frame.image, frame.regions[1].box, 32);
  EXPECT_EQ((*found)[1].score, (*model->Classify({&crop}, 0))[0].score);
  // A smaller input costs accuracy and time, not correctness.
  EXPECT_EQ(model->Analyze(frame, 16)->size(), 3U);
  const auto refused = model->Analyze(frame, 4);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("input_size 4"));
}

TEST(Classifier, SavesAndLoadsEveryShape) {
  for (const int last_hidden : {0, 24}) {
    for (const int input_size : {32, 96}) {
      auto shape = SmallShape();
      shape.last_hidden = last_hidden;
      shape.input_size = input_size;
      shape.width = 0.1;
      shape.classes = {"car", "truck, \"big\"", "b\\us"};
      const auto model = std::move(*Classifier::Create(shape, 3));
      const auto path = Scratch("round.safetensors");
      ASSERT_TRUE(model->Save(path).ok());
      const auto loaded = Classifier::Load(path);
      ASSERT_TRUE(loaded.ok()) << loaded.error().message;
      EXPECT_EQ((*loaded)->shape().width, 0.1);
      EXPECT_EQ((*loaded)->classes(), shape.classes);
      const auto image = NoiseImage(50, 50, 9);
      const auto clone = model->Clone();
      const float score = static_cast<float>((*model->Classify({&image}, 0))[0].score);
      EXPECT_EQ(score, static_cast<float>((*(*loaded)->Classify({&image}, 0))[0].score));
      EXPECT_EQ(score, static_cast<float>((*clone->Classify({&image}, 0))[0].score));
      std::filesystem::remove(path);
    }
  }
}

TEST(Classifier, RefusesSenselessShapes) {
  const auto with = [](auto change) {
    auto shape = SmallShape();
    change(shape);
    return Refusal(shape);
  };
  EXPECT_THAT(with([](auto& s) { s.architecture = "resnet19"; }),
              AllOf(HasSubstr("resnet19"), HasSubstr("resnet18")));
  EXPECT_THAT(with([](auto& s) { s.width = 0; }), HasSubstr("width 0"));
  EXPECT_THAT(with([](auto& s) { s.width = std::nan(""); }), HasSubstr("width nan"));
  EXPECT_THAT(with([](auto& s) { s.width = 100; }), HasSubstr("width 100"));
  EXPECT_THAT(with([](auto& s) { s.input_size = 2; }), HasSubstr("input_size 2"));
  EXPECT_THAT(with([](auto& s) { s.last_hidden = -1; }), HasSubstr("last_hidden -1"));
  EXPECT_THAT(with([](auto& s) { s.classes = {}; }), HasSubstr("0 classes"));
  EXPECT_THAT(with([](auto& s) { s.classes = {"a", "a"}; }), HasSubstr("class 'a'"));
  EXPECT_THAT(with([](auto& s) { s.classes = {"a\nb"}; }), HasSubstr("one line"));
  EXPECT_EQ(with([](auto& s) { s.width = 0.001; }), "made");
}

TEST(Classifier, RefusesWeightsThatAreNotItsOwn) {
  const auto good = SavedContent();
  ASSERT_EQ(LoadRefusal(good), "loaded");

  auto content = good;
  content.tensors["fc.weight"].shape = {22, 2};
  EXPECT_THAT(LoadRefusal(content), AllOf(HasSubstr("'fc.weight'"), HasSubstr("found F32 [22, 2]"),
                                          HasSubstr("expected F32 [2, 22]")));
  content = good;
  content.tensors.erase("layer3.0.bn1.running_var");
  EXPECT_THAT(LoadRefusal(content),
              AllOf(HasSubstr("'layer3.0.bn1.running_var'"), HasSubstr("not found")));
  content = good;
  content.tensors["layer5.0.weight"] = content.tensors["fc.bias"];
  EXPECT_THAT(LoadRefusal(content), HasSubstr("'layer5.0.weight'"));
  content = good;
  const std::vector<float> poisoned = {1, std::numeric_limits<float>::quiet_NaN()};
  content.tensors["fc.bias"] = StoreTensor(std::span<const float>(poisoned), {2});
  EXPECT_THAT(LoadRefusal(content), AllOf(HasSubstr("'fc.bias'"), HasSubstr("nan")));
  content = good;
  content.metadata.erase("ekya.architecture");
  EXPECT_THAT(LoadRefusal(content), HasSubstr("ekya.architecture"));
  content = good;
  content.metadata["ekya.width"] = "0.5x";
  EXPECT_THAT(LoadRefusal(content), HasSubstr("found '0.5x', expected a number"));
  content = good;
  content.metadata["ekya.width"] = "1e9";
  EXPECT_THAT(LoadRefusal(content), HasSubstr("width 1"));
  content = good;
  content.metadata["ekya.classes"] = "";
  EXPECT_THAT(LoadRefusal(content), HasSubstr("class ''"));
  content = good;
  content.metadata["ekya.classes"] = "free\nbusy\nother";
  EXPECT_THAT(LoadRefusal(content), HasSubstr("expected F32 [3, 22]"));
}

TEST(Classifier, RefusesEveryTruncation) {
  const auto path = Scratch("whole.safetensors");
  ASSERT_TRUE(MakeSmall()->Save(path).ok());
  const auto whole = *ReadFile(path);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{100},
                                 whole.size() / 2, whole.size() - 1}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    const auto loaded = Classifier::Load(path);
    ASSERT_FALSE(loaded.ok()) << size;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(loaded.error().message, HasSubstr(path.string()));
  }
  std::ofstream(path, std::ios::binary) << NoiseImage(100, 100, 1).pixels.data();
  EXPECT_FALSE(Classifier::Load(path).ok());
  std::filesystem::remove(path);
  EXPECT_EQ(Classifier::Load(path).error().code, ErrorCode::kNotFound);
}

TEST(Classifier, KeepsTheOldFileWhenTheDiskIsFull) {
  const auto folder = Scratch("disk");
  std::filesystem::create_directories(folder);
  if (geteuid() != 0 || mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=256k") != 0) {
    std::filesystem::remove(folder);
    GTEST_SKIP() << "mounting a small disk needs root";
  }
  const auto path = folder / "weights.safetensors";
  EXPECT_TRUE(MakeSmall(1)->Save(path).ok());
  const auto before = *ReadFile(path);
  std::ofstream(folder / "filler") << std::string(100'000, 'x');
  const auto status = MakeSmall(2)->Save(path);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ok() ? "" : status.error().message, HasSubstr("No space left"));
  EXPECT_EQ(*ReadFile(path), before);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, 2U);
  umount(folder.c_str());
  std::filesystem::remove(folder);
}

TEST(Classifier, IsReadByManyThreadsAtOnce) {
  const auto model = MakeSmall();
  const auto image = NoiseImage(32, 32, 1);
  const double expected = (*model->Classify({&image}, 0))[0].score;
  std::vector<std::thread> threads;
  std::vector<double> scores(3);
  for (auto& score : scores) {
    threads.emplace_back([&] {
      const auto clone = model->Clone();
      for (int i = 0; i < 20; ++i) score = (*model->Classify({&image}, 0))[0].score;
      if ((*clone->Classify({&image}, 0))[0].score != score) score = -1;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const double score : scores) EXPECT_EQ(score, expected);
}

TEST(ModelSlot, KeepsAServedModelAliveWhileItWorks) {
  ModelSlot slot;
  EXPECT_EQ(slot.Get().model, nullptr);
  slot.Put({1, MakeSmall(1)});
  const auto working = slot.Get();
  slot.Put({2, MakeSmall(2)});
  EXPECT_EQ(slot.Get().version, 2);
  const auto image = NoiseImage(32, 32, 1);
  Frame frame;
  frame.image = image;
  frame.regions = {{{0, 0, 32, 32}, {}, -1}};
  EXPECT_TRUE(working.model->Analyze(frame, 0).ok());
}

TEST(Classifier, GrowsByClasses) {
  for (const int last_hidden : {0, 6}) {
    auto shape = SmallShape();
    shape.last_hidden = last_hidden;
    const auto model = std::move(*Classifier::Create(shape, 1));
    const auto grown = model->Grown({"van", "bus"});
    ASSERT_TRUE(grown.ok()) << grown.error().message;
    EXPECT_EQ((*grown)->classes(), (std::vector<std::string>{"free", "busy", "van", "bus"}));
    auto& before = dynamic_cast<TorchClassifier&>(*model);
    auto& after = dynamic_cast<TorchClassifier&>(**grown);
    const Image image = NoiseImage(32, 32, 3);
    const c10::InferenceMode inference;
    const auto known = before.network().Forward(ToTensor({&image}));
    const auto all = after.network().Forward(ToTensor({&image}));
    EXPECT_TRUE(torch::equal(all.narrow(1, 0, 2), known));
    // As a file it is what it is in memory: names and rows.
    const auto path = Scratch("grown.safetensors");
    ASSERT_TRUE((*grown)->Save(path).ok());
    const auto read = Classifier::Load(path);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ((*read)->classes(), (*grown)->classes());
    EXPECT_TRUE(torch::equal(
        dynamic_cast<TorchClassifier&>(**read).network().Forward(ToTensor({&image})), all));
  }
  const auto refused = MakeSmall()->Grown({"free"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("'free'"));
}

}  // namespace
}  // namespace ekya::models
