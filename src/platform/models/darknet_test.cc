#include "platform/models/darknet.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <opencv2/dnn.hpp>

#include "base/file.h"
#include "base/random.h"
#include "platform/models/network.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Every layer that there is: 8 x 8 pixels, reduced to 4 x 4 and back.
constexpr char kSmall[] = R"([net]
width=8
height=8
momentum=0.9
[convolutional]
filters=4
size=3
pad=1
batch_normalize=1
activation=leaky

# halves the picture
[convolutional]
filters=6
size=3
stride=2
pad=1
groups=2
batch_normalize=1
activation=mish
[maxpool]
size=2
stride=1
[convolutional]
filters=6
size=1
activation=swish
[shortcut]
from=-2
activation=relu
[dropout]
probability=.5
[convolutional]
filters=14
size=1
activation=linear
[yolo]
mask=0,1
anchors=2,3, 4,5, 6,7,
classes=2
num=3
jitter=.3
[route]
layers=-3
[upsample]
stride=2
[route]
layers=-1, 0
[route]
layers=-1
groups=2
group_id=1
[maxpool]
size=5
stride=1
[convolutional]
filters=7
size=1
activation=linear
[yolo]
mask=2
anchors=2,3, 4,5, 6,7
classes=2
num=3
)";

std::string WithoutLine(std::string text, const std::string& line) {
  const auto at = text.find(line + "\n");
  EXPECT_NE(at, std::string::npos) << line;
  return text.erase(at, line.size() + 1);
}

/// What the text is refused with after `line` has become `changed`.
std::string Refusal(const std::string& line, const std::string& changed) {
  std::string text = kSmall;
  const auto at = text.find(line + "\n");
  EXPECT_NE(at, std::string::npos) << line;
  text.replace(at, line.size(), changed);
  const auto network = ParseDarknet(text, "small.cfg");
  if (network.ok()) return "read";
  EXPECT_EQ(network.error().code, ErrorCode::kInvalid);
  return network.error().message;
}

std::string RandomWeights(std::size_t count) {
  std::string bytes(20 + sizeof(float) * count, '\0');
  const std::int32_t version[3] = {0, 2, 5};
  std::memcpy(bytes.data(), version, sizeof(version));
  Random random(1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto weight = static_cast<float>(random.Uniform(0.1, 1.1));
    std::memcpy(bytes.data() + 20 + sizeof(float) * i, &weight, sizeof(weight));
  }
  return bytes;
}

/// The largest difference between what LibTorch and OpenCV make of `picture` (1 x 3 x H x W), over
/// the layers before each [yolo], whose sections are `before`.
double LargestDifference(const DarknetNetwork& parsed, const std::string& text,
                         const std::string& weights, const cv::Mat& picture,
                         const std::vector<int>& before) {
  ComputeWithOneThread();
  Network network(parsed.graph);
  const auto state = ParseDarknetWeights(parsed, weights, "weights");
  EXPECT_TRUE(state.ok()) << state.error().message;
  EXPECT_TRUE(network.Restore(*state, "weights").ok());
  const auto outputs = network.Run(
      torch::from_blob(picture.data, {1, 3, picture.size[2], picture.size[3]}, torch::kFloat)
          .clone());

  cv::dnn::Net net =
      cv::dnn::readNetFromDarknet(text.data(), text.size(), weights.data(), weights.size());
  EXPECT_EQ(outputs.size(), before.size());
  double largest = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    net.setInput(picture);
    const cv::Mat expected = net.forward(fmt::format("conv_{}", before[i]));
    const auto output = outputs[i].contiguous();
    EXPECT_EQ(static_cast<std::size_t>(output.numel()), expected.total());
    if (static_cast<std::size_t>(output.numel()) != expected.total()) return 1e9;
    const auto* a = output.data_ptr<float>();
    const auto* b = expected.ptr<float>();
    for (std::size_t k = 0; k < expected.total(); ++k) {
      largest = std::max(largest, std::abs(static_cast<double>(a[k]) - b[k]));
    }
  }
  return largest;
}

TEST(Darknet, ReadsEveryLayer) {
  const auto network = ParseDarknet(kSmall, "small.cfg");
  ASSERT_TRUE(network.ok()) << network.error().message;
  EXPECT_EQ(network->width, 8);
  ASSERT_EQ(network->heads.size(), 2U);
  EXPECT_EQ(network->heads[0].anchors[1], std::pair(4.0, 5.0));
  EXPECT_EQ(network->heads[1].anchors[0], std::pair(6.0, 7.0));
  EXPECT_EQ(network->heads[1].classes, 2);
  EXPECT_EQ(network->graph.stages(), 5);
}

TEST(Darknet, ComputesWhatOpenCvDoes) {
  const auto network = ParseDarknet(kSmall, "small.cfg");
  ASSERT_TRUE(network.ok());
  std::size_t count = 0;
  for (const auto& [name, tensor] : Network(network->graph).Store()) {
    count += tensor.type == ElementType::kF32 ? tensor.bytes.size() / sizeof(float) : 0;
  }
  const int sizes[] = {1, 3, 8, 8};
  cv::Mat picture(4, sizes, CV_32F);
  Random random(2);
  for (std::size_t i = 0; i < picture.total(); ++i) {
    picture.ptr<float>()[i] = static_cast<float>(random.Uniform(0, 1));
  }
  EXPECT_LT(LargestDifference(*network, kSmall, RandomWeights(count), picture, {6, 13}), 1e-3);
}

TEST(Darknet, ComputesPublicWeightsAsOpenCvDoes) {
  const auto folder = std::filesystem::path(EKYA_SHARED_DIR) / "models";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "shared/models is absent";
  const auto clip = std::filesystem::path(EKYA_SHARED_DIR) / "data" / "clips" / "car_d.mp4";
  const std::string command = fmt::format(
      "ffmpeg -v error -i '{}' -vf scale=320:320 -frames:v 1 -f rawvideo -pix_fmt rgb24 - "
      "2>/dev/null",
      clip.string());
  cv::Mat rgb(320, 320, CV_8UC3);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  const std::size_t read = std::fread(rgb.data, 1, 3u * 320 * 320, pipe);
  ::pclose(pipe);
  if (read != 3u * 320 * 320) GTEST_SKIP() << "no ffmpeg to decode a picture of shared/data/clips";
  for (const char* name : {"yolo-fastest-1.1", "yolo-fastest-1.1-xl"}) {
    const auto text = ReadFile(folder / (std::string(name) + ".cfg"));
    const auto weights = ReadFile(folder / (std::string(name) + ".weights"));
    ASSERT_TRUE(text.ok() && weights.ok());
    const auto network = ParseDarknet(*text, name);
    ASSERT_TRUE(network.ok()) << network.error().message;
    EXPECT_EQ(network->width, 320);
    const cv::Mat picture = cv::dnn::blobFromImage(rgb, 1.0 / 255);
    EXPECT_LT(LargestDifference(*network, *text, *weights, picture, {120, 129}), 1e-3) << name;
  }
}

TEST(Darknet, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Refusal("filters=4", "filters=4x"),
            "small.cfg:6: [convolutional] filters: found 4x, expected an integer from 1 to 16384");
  EXPECT_THAT(Refusal("filters=4", "filters=0"), HasSubstr("small.cfg:6: "));
  EXPECT_THAT(Refusal("[dropout]", "[lstm]"),
              AllOf(HasSubstr("small.cfg:31: [lstm]: unknown layer"), HasSubstr("upsample")));
  EXPECT_THAT(Refusal("probability=.5", "probabilty=.5"),
              AllOf(HasSubstr("small.cfg:32:"), HasSubstr("unknown key")));
  EXPECT_THAT(Refusal("probability=.5", "probability=.5\nprobability=.5"),
              HasSubstr("found twice"));
  EXPECT_THAT(Refusal("probability=.5", "probability"), HasSubstr("expected key=value"));
  EXPECT_THAT(Refusal("activation=mish", "activation=selu"), HasSubstr("one of: leaky, linear"));
  EXPECT_THAT(Refusal("groups=2", "groups=5"), HasSubstr("a divisor of 4 channels in and 6 out"));
  EXPECT_THAT(Refusal("from=-2", "from=-9"), HasSubstr("a layer with a result before this one"));
  EXPECT_THAT(Refusal("from=-2", "from=0"), HasSubstr("a layer of 6 x 4 x 4"));
  EXPECT_THAT(Refusal("layers=-3", "layers=-1"), HasSubstr("a layer with a result"));
  EXPECT_THAT(Refusal("layers=-1, 0", "layers=-1, 1"), HasSubstr("layers of one size"));
  EXPECT_THAT(Refusal("layers=-1, 0", "layers="), HasSubstr("numbers, separated by commas"));
  EXPECT_THAT(Refusal("mask=0,1", "mask=0,3"), HasSubstr("0 to 2, one of the anchors"));
  EXPECT_THAT(Refusal("mask=0,1", "mask=0"), HasSubstr("found 14 channels coming in, expected 7"));
  EXPECT_THAT(Refusal("num=3", "num=4"), HasSubstr("[yolo] num: found 4"));
  EXPECT_THAT(Refusal("jitter=.3", "new_coords=1"), HasSubstr("new_coords"));
  EXPECT_THAT(Refusal("width=8", "width=0"), HasSubstr("small.cfg:2: [net] width: found 0"));
  EXPECT_THAT(Refusal("width=8", "# none"), HasSubstr("[net] width: found nothing"));
  EXPECT_THAT(Refusal("[net]", "[yolo]"), HasSubstr("expected [net]"));
  EXPECT_THAT(Refusal("[net]", "[net"), HasSubstr("expected [name]"));
  EXPECT_THAT(Refusal("[route]", "[upsample]"), HasSubstr("found after [yolo], expected [route]"));
  EXPECT_FALSE(ParseDarknet("", "empty.cfg").ok());
  EXPECT_FALSE(ParseDarknet("[net]\nwidth=8\nheight=8\n", "headless.cfg").ok());
  EXPECT_TRUE(ParseDarknet(WithoutLine(kSmall, "momentum=0.9"), "small.cfg").ok());
}

TEST(Darknet, RefusesWeightsThatDoNotFit) {
  const auto network = ParseDarknet(kSmall, "small.cfg");
  ASSERT_TRUE(network.ok());
  std::size_t count = 0;
  for (const auto& [name, tensor] : Network(network->graph).Store()) {
    count += tensor.type == ElementType::kF32 ? tensor.bytes.size() / sizeof(float) : 0;
  }
  const std::string whole = RandomWeights(count);
  EXPECT_TRUE(ParseDarknetWeights(*network, whole, "w").ok());
  for (const std::size_t size : {std::size_t{0}, std::size_t{13}, std::size_t{20}, std::size_t{21},
                                 whole.size() / 2, whole.size() - 1}) {
    const auto cut = ParseDarknetWeights(*network, whole.substr(0, size), "w");
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(cut.error().message, HasSubstr(fmt::format("w: found {} bytes", size)));
  }
  const auto cut = ParseDarknetWeights(*network, whole.substr(0, whole.size() - 4), "w");
  EXPECT_THAT(cut.error().message, HasSubstr("layers.13.convolution"));
  EXPECT_THAT(ParseDarknetWeights(*network, whole + "more", "w").error().message,
              HasSubstr(fmt::format("expected {}", whole.size())));
}

}  // namespace
}  // namespace ekya::models
