#include "platform/models/served_classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/dnn.hpp>

#include "base/random.h"
#include "platform/models/darknet.h"
#include "platform/models/engine.h"
#include "platform/models/internal/each_architecture.h"
#include "platform/models/onnx_export.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

using testing::HasSubstr;

constexpr double kTolerance = 1e-4;

std::unique_ptr<Classifier> Make(const std::string& architecture, int input_size, double width) {
  return internal::MakeSeen(architecture, input_size, width);
}

Frame Regions(int count) {
  Frame frame;
  frame.image = {160, 120, std::vector<std::uint8_t>(3u * 160 * 120)};
  Random random(5);
  for (auto& value : frame.image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  for (int i = 0; i < count; ++i) {
    frame.regions.push_back({{random.Uniform(0, 100), random.Uniform(0, 80), 40, 32}, {}, -1});
  }
  return frame;
}

void ExpectSame(Model& served, Model& model, const Frame& frame, int input_size) {
  const auto found = served.Analyze(frame, input_size);
  const auto expected = model.Analyze(frame, input_size);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_TRUE(expected.ok());
  ASSERT_EQ(found->size(), expected->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
    EXPECT_NEAR((*found)[i].score, (*expected)[i].score, kTolerance);
    EXPECT_EQ((*found)[i].box.x, (*expected)[i].box.x);
  }
}

/// As bfloat16 may be off: scores by a twentieth, and classes where two are about as likely.
void ExpectClose(Model& served, Model& model, const Frame& frame) {
  const auto found = served.Analyze(frame, 0);
  const auto expected = model.Analyze(frame, 0);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), expected->size());
  for (std::size_t i = 0; i < found->size(); ++i) {
    EXPECT_NEAR((*found)[i].score, (*expected)[i].score, 0.05);
    if ((*expected)[i].score > 0.55) {
      EXPECT_EQ((*found)[i].class_index, (*expected)[i].class_index);
    }
  }
}

class ServedClassifierTest : public testing::TestWithParam<Architecture> {};

TEST_P(ServedClassifierTest, SaysWhatTheClassifierSays) {
  for (const int input_size : {32, 96}) {
    const auto model = Make(GetParam().name, input_size, 0.25);
    const auto served = MakeServed(*model);
    EXPECT_EQ(served->classes(), model->classes());
    ExpectSame(*served, *model, Regions(35), 0);
    // Another size of pictures, a single region, and none.
    ExpectSame(*served, *model, Regions(1), 48);
    ExpectClose(*MakeServed(*model, ServingPrecision::kBfloat16), *model, Regions(35));
    ExpectClose(*MakeServed(*model, ServingPrecision::kFastest), *model, Regions(35));
    EXPECT_TRUE(served->Analyze(Regions(0), 0)->empty());
    EXPECT_THAT(served->Analyze(Regions(1), 4).error().message, HasSubstr("input_size 4"));
  }
}

TEST_P(ServedClassifierTest, LibTorchComputesTheSameForServingAlone) {
  for (const int side : {32, 96}) {
    const auto model = Make(GetParam().name, side, 0.25);
    const auto& network = dynamic_cast<TorchClassifier&>(*model).network();
    for (const auto& [count, size] : {std::pair{1, side}, {5, side}, {1, 64}}) {
      const auto pictures = torch::randn({count, 3, size, size}, MakeGenerator(3));
      const torch::NoGradGuard no_grad;
      const auto expected = dynamic_cast<TorchClassifier&>(*model).network().Forward(pictures);
      for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
        const auto engine = OpenLibTorch(network.graph(), network.Store(), precision);
        ASSERT_TRUE(engine.ok()) << engine.error().message;
        const auto found = (*engine)->Run(pictures.data_ptr<float>(), count, size);
        ASSERT_TRUE(found.ok()) << found.error().message;
        ASSERT_EQ((*found)[0].size(), static_cast<std::size_t>(expected.numel()));
        const double bound = precision == Precision::kFloat32
                                 ? kTolerance
                                 : 0.05 * expected.abs().max().item<double>();
        for (std::int64_t i = 0; i < expected.numel(); ++i) {
          EXPECT_NEAR((*found)[0][static_cast<std::size_t>(i)], expected.data_ptr<float>()[i],
                      bound)
              << Name(precision) << " " << count << " of " << size;
        }
      }
    }
  }
}

// OpenCV 4.6 reads neither Clip with its limits as inputs nor Gather of several channels, so that
// two architectures are left to the engine's own test.
class ExportTest : public testing::TestWithParam<const char*> {};

TEST_P(ExportTest, IsReadByAnotherReaderToo) {
  const auto model = Make(GetParam(), 96, 0.1);
  auto& network = dynamic_cast<TorchClassifier&>(*model).network();
  const std::string onnx = model->ToOnnx();
  cv::dnn::Net net = cv::dnn::readNetFromONNX(onnx.data(), onnx.size());
  const auto pictures = torch::randn({1, 3, 96, 96}, MakeGenerator(3));
  const int sizes[] = {1, 3, 96, 96};
  net.setInput(cv::Mat(4, sizes, CV_32F, pictures.data_ptr<float>()));
  const cv::Mat found = net.forward();
  const torch::NoGradGuard no_grad;
  const auto expected = network.Forward(pictures);
  ASSERT_EQ(found.total(), 3U);
  for (int i = 0; i < 3; ++i) {
    const double value = expected.data_ptr<float>()[i];
    EXPECT_NEAR(found.ptr<float>()[i], value, kTolerance * std::max(1.0, std::abs(value)));
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, ServedClassifierTest, testing::ValuesIn(Architectures()),
                         internal::kNameOfTest);

INSTANTIATE_TEST_SUITE_P(Architectures, ExportTest, testing::Values("resnet18", "efficientnet-b0"),
                         [](const auto& tested) { return std::string(tested.param).substr(0, 6); });

TEST(ServedClassifier, IsMadeBesideTheServedOne) {
  const auto first = Make("resnet18", 32, 0.1);
  ModelSlot slot;
  slot.Put({1, MakeServed(*first)});
  const auto working = slot.Get();
  slot.Put({2, MakeServed(*Make("mobilenetv2", 32, 0.1))});
  // The one in work is as it was.
  ExpectSame(*working.model, *first, Regions(3), 0);
  EXPECT_TRUE(slot.Get().model->Analyze(Regions(3), 0).ok());
}

TEST(OnnxRuntime, ComputesDarknetNetworks) {
  constexpr char kText[] =
      "[net]\nwidth=32\nheight=32\n"
      "[convolutional]\nfilters=8\nsize=3\npad=1\nbatch_normalize=1\nactivation=mish\n"
      "[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=8\nsize=1\nactivation=leaky\n"
      "[shortcut]\nfrom=-2\nactivation=relu\n[maxpool]\nsize=2\nstride=1\n"
      "[upsample]\nstride=2\n[route]\nlayers=-1,0\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"
      "[convolutional]\nfilters=7\nactivation=linear\n"
      "[yolo]\nmask=0\nanchors=4,4\nclasses=2\nnum=1\n";
  const auto parsed = ParseDarknet(kText, "text");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  Network network(parsed->graph);
  network.Initialise(MakeGenerator(1));
  auto engine = OpenOnnxRuntime(ExportOnnx(parsed->graph, network.Store()), 1);
  if (!engine.ok() && engine.error().code == ErrorCode::kUnavailable) {
    GTEST_SKIP() << engine.error().message;
  }
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  const auto pictures = torch::rand({2, 3, 32, 32}, MakeGenerator(3));
  const auto found = (*engine)->Run(pictures.data_ptr<float>(), 2, 32);
  ASSERT_TRUE(found.ok()) << found.error().message;
  const torch::NoGradGuard no_grad;
  const auto expected = network.Forward(pictures).contiguous();
  ASSERT_EQ((*found)[0].size(), static_cast<std::size_t>(expected.numel()));
  for (std::size_t i = 0; i < (*found)[0].size(); ++i) {
    EXPECT_NEAR((*found)[0][i], expected.data_ptr<float>()[i], kTolerance);
  }
}

TEST(OnnxRuntime, RefusesWhatIsNoModel) {
  const auto engine = OpenOnnxRuntime("no model", 1);
  ASSERT_FALSE(engine.ok());
  if (engine.error().code == ErrorCode::kUnavailable) {
    EXPECT_FALSE(HasOnnxRuntime());
    GTEST_SKIP() << engine.error().message;
  }
  EXPECT_EQ(engine.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(engine.error().message, HasSubstr("ONNX Runtime: "));
  EXPECT_TRUE(HasOnnxRuntime());
}

}  // namespace
}  // namespace ekya::models
