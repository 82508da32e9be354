#include "platform/models/golden_classifier.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/file.h"

namespace ekya::models {
namespace {

using testing::HasSubstr;

const std::filesystem::path kNetwork =
    std::filesystem::path(EKYA_SHARED_DIR) / "models" / "resnet20_cifar10.onnx";
const std::filesystem::path kPictures =
    std::filesystem::path(EKYA_SHARED_DIR) / "data" / "cifar10-jpeg";
const std::vector<std::string> kCifar = {"airplane", "automobile", "bird",  "cat",  "deer",
                                         "dog",      "frog",       "horse", "ship", "truck"};
constexpr int kSide = 32;
constexpr int kPerClass = 12;

/// The first pictures of a class side by side, each a region, by the ffmpeg program.
Frame Row(const std::string& name) {
  const std::string command = fmt::format(
      "ffmpeg -v error -f image2 -pattern_type glob -i '{}/*.jpg' -frames:v {} "
      "-f rawvideo -pix_fmt rgb24 - 2>/dev/null",
      (kPictures / name).string(), kPerClass);
  Frame frame;
  frame.image.width = kSide * kPerClass;
  frame.image.height = kSide;
  frame.image.pixels.resize(3u * frame.image.width * frame.image.height);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::vector<std::uint8_t> picture(3 * kSide * kSide);
  for (int i = 0; i < kPerClass; ++i) {
    if (std::fread(picture.data(), 1, picture.size(), pipe) != picture.size()) {
      frame = {};
      break;
    }
    for (int y = 0; y < kSide; ++y) {
      std::copy_n(picture.begin() + 3 * kSide * y, 3 * kSide,
                  frame.image.pixels.begin() + 3 * (kSide * kPerClass * y + kSide * i));
    }
    frame.regions.push_back({{static_cast<double>(kSide * i), 0, kSide, kSide}, std::nullopt, i});
  }
  ::pclose(pipe);
  return frame;
}

class GoldenClassifierTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kNetwork)) GTEST_SKIP() << "shared/models is absent";
  }
};

TEST_F(GoldenClassifierTest, ClassifiesEveryRegion) {
  if (Row("cat").regions.empty()) {
    GTEST_SKIP() << "shared/data/cifar10-jpeg or the ffmpeg program is absent";
  }
  auto model = OpenGoldenClassifier(kNetwork, kCifar, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  GoldenClassifierOptions two;
  two.keep = {"truck", "cat"};
  auto narrow = OpenGoldenClassifier(kNetwork, kCifar, two);
  ASSERT_TRUE(narrow.ok()) << narrow.error().message;
  EXPECT_EQ((*narrow)->classes(), two.keep);

  int right = 0;
  for (std::size_t label = 0; label < kCifar.size(); ++label) {
    const Frame frame = Row(kCifar[label]);
    const auto results = (*model)->Analyze(frame, 0);
    ASSERT_TRUE(results.ok()) << results.error().message;
    ASSERT_EQ(results->size(), frame.regions.size());
    for (std::size_t i = 0; i < results->size(); ++i) {
      EXPECT_EQ((*results)[i].box.x, frame.regions[i].box.x);
      EXPECT_GT((*results)[i].score, 0.1);
      EXPECT_LE((*results)[i].score, 1);
      right += (*results)[i].class_index == static_cast<int>(label);
    }
    const int expected = kCifar[label] == "truck" ? 0 : kCifar[label] == "cat" ? 1 : -1;
    if (expected < 0) continue;
    const auto renumbered = (*narrow)->Analyze(frame, 0);
    ASSERT_TRUE(renumbered.ok());
    int agree = 0;
    for (const Detection& result : *renumbered) agree += result.class_index == expected;
    EXPECT_GE(agree, kPerClass - 1) << kCifar[label];
  }
  // The model is known for 92 % of the pictures; JPEG costs some.
  EXPECT_GE(right, static_cast<int>(0.8 * kPerClass * kCifar.size()));
}

TEST_F(GoldenClassifierTest, RefusesWhatDoesNotFit) {
  const auto message = [](auto result) {
    EXPECT_FALSE(result.ok());
    return result.ok() ? std::string() : result.error().message;
  };
  EXPECT_THAT(message(OpenGoldenClassifier("absent.onnx", kCifar, {})), HasSubstr("absent.onnx"));
  EXPECT_THAT(message(OpenGoldenClassifier(kNetwork, {"free", "busy"}, {})),
              HasSubstr("found 10 scores for a picture, expected one for each of 2 classes"));
  GoldenClassifierOptions options;
  options.keep = {"zeppelin"};
  EXPECT_THAT(message(OpenGoldenClassifier(kNetwork, kCifar, options)),
              HasSubstr("found \"zeppelin\", expected one of airplane, "));
  options = {};
  options.deviation[1] = 0;
  EXPECT_THAT(message(OpenGoldenClassifier(kNetwork, kCifar, options)), HasSubstr("deviation"));

  const std::filesystem::path cut =
      std::filesystem::temp_directory_path() / fmt::format("ekya-golden-{}.onnx", ::getpid());
  const auto content = ReadFile(kNetwork);
  ASSERT_TRUE(content.ok());
  std::ofstream(cut) << content->substr(0, content->size() / 2);
  EXPECT_THAT(message(OpenGoldenClassifier(cut, kCifar, {})), HasSubstr(cut.string()));
  std::filesystem::remove(cut);

  auto model = OpenGoldenClassifier(kNetwork, kCifar, {});
  ASSERT_TRUE(model.ok());
  Frame frame;
  EXPECT_TRUE((*model)->Analyze(frame, 0).ok());  // nothing to classify
  frame.regions = {{{0, 0, 5, 5}, std::nullopt, -1}};
  EXPECT_THAT(message((*model)->Analyze(frame, 0)), HasSubstr("found no picture"));
  EXPECT_THAT(message((*model)->Analyze(frame, 64)), HasSubstr("found 64, expected 32 (fixed)"));
}

}  // namespace
}  // namespace ekya::models
