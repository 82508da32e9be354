#include "platform/models/compute_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "platform/models/served_classifier.h"
#include "platform/models/served_detector.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Device kCuda{Device::Kind::kCuda, 0};
constexpr int kSide = 64;

Frame Noise() {
  Frame frame;
  frame.image = {kSide, kSide, {}};
  Random random(3);
  for (int i = 0; i < 3 * kSide * kSide; ++i) {
    frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
  }
  frame.regions = {{{0, 0, kSide, kSide}, {}, -1}, {{5, 9, 30, 40}, {}, -1}};
  return frame;
}

std::unique_ptr<Classifier> MakeClassifier(const std::string& architecture = "resnet18",
                                           double width = 0.25) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.width = width;
  shape.classes = {"free", "busy", "odd"};
  return std::move(*Classifier::Create(shape, 1));
}

std::unique_ptr<LearningDetector> MakeDetector(const std::string& architecture) {
  DetectorShape shape;
  shape.architecture = architecture;
  shape.width = 0.1;
  shape.input_size = kSide;
  shape.classes = {"red", "blue"};
  auto detector = std::move(*LearningDetector::Create(shape, 1));
  detector->SetScoreThreshold(0.004);  // A model that knows nothing is sure of nothing.
  return detector;
}

torch::Tensor Logits(Classifier& classifier) {
  const Image image = Noise().image;
  auto& network = dynamic_cast<TorchClassifier&>(classifier).network();
  const torch::NoGradGuard no_grad;
  return network.Forward(ToTensor({&image}, network.device())).cpu();
}

/// The weights of `model` as they are in a file.
std::string Saved(const LearningModel& model) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("ekya-moved-" + std::to_string(getpid()) + ".safetensors");
  EXPECT_TRUE(model.Save(path).ok());
  const auto bytes = ReadFile(path);
  std::filesystem::remove(path);
  EXPECT_TRUE(bytes.ok());
  return bytes.ok() ? *bytes : std::string();
}

TEST(ComputeDevice, EveryProcessorIsOne) {
  EXPECT_GE(CudaDevices(), 0);
  EXPECT_TRUE(CheckDevice({Device::Kind::kCpu, 17}).ok());
  EXPECT_EQ(HasFastBfloat16(Device{}), HasFastBfloat16());
  EXPECT_EQ(TorchDeviceOf({Device::Kind::kCpu, 3}), torch::Device(torch::kCPU));
  EXPECT_EQ(DeviceOf(TorchDeviceOf({Device::Kind::kCuda, 2})), (Device{Device::Kind::kCuda, 2}));
  EXPECT_EQ(DeviceOf(torch::kCPU), Device());
}

TEST(ComputeDevice, AModelStaysWhereItIsWhereADeviceIsMissing) {
  const Device missing{Device::Kind::kCuda, CudaDevices()};
  EXPECT_FALSE(HasFastBfloat16(missing));
  EXPECT_EQ(PrecisionOf("auto", missing), Precision::kFloat32);
  EXPECT_EQ(PrecisionOf("bfloat16", missing), Precision::kBfloat16);
  const auto classifier = MakeClassifier();
  const auto detector = MakeDetector("tiny-yolov3");
  for (LearningModel* const model : {static_cast<LearningModel*>(classifier.get()),
                                     static_cast<LearningModel*>(detector.get())}) {
    const Status moved = model->MoveTo(missing);
    ASSERT_FALSE(moved.ok());
    EXPECT_EQ(moved.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(moved.error().message, AllOf(HasSubstr("found " + Name(missing)),
                                             HasSubstr("expected one of the"), HasSubstr("cpu:N")));
    EXPECT_EQ(model->device(), Device());
    EXPECT_TRUE(model->Analyze(Noise(), 0).ok());
    EXPECT_TRUE(model->MoveTo({Device::Kind::kCpu, 1}).ok());
  }
}

class OnCuda : public testing::Test {
 protected:
  void SetUp() override {
    if (CudaDevices() == 0) GTEST_SKIP() << "needs a CUDA device, and LibTorch sees none";
  }
};

class EachClassifierOnCuda : public OnCuda, public testing::WithParamInterface<const char*> {};

TEST_P(EachClassifierOnCuda, ComputesTheSame) {
  const auto here = MakeClassifier(GetParam());
  const auto there = here->Clone();
  ASSERT_TRUE(there->MoveTo(kCuda).ok());
  EXPECT_EQ(there->device(), kCuda);
  EXPECT_EQ(there->Clone()->device(), kCuda);
  EXPECT_EQ(Saved(*there), Saved(*here));  // What is kept is the same, bit for bit.
  const auto expected = Logits(*here);
  // Convolutions there may round float32 to TF32's 10 bits.
  const double near = 0.02 * expected.abs().max().item<double>();
  EXPECT_LT((Logits(*there) - expected).abs().max().item<double>(), near);

  const auto scores = here->Analyze(Noise(), 0);
  for (const ServingPrecision precision :
       {ServingPrecision::kFloat32, ServingPrecision::kFastest, ServingPrecision::kBfloat16}) {
    const auto served = MakeServed(*there, precision);
    const auto found = served->Analyze(Noise(), 0);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->size(), scores->size());
    for (std::size_t i = 0; i < found->size(); ++i) {
      EXPECT_NEAR((*found)[i].score, (*scores)[i].score, 0.05);
    }
  }
  ASSERT_TRUE(there->MoveTo({}).ok());
  EXPECT_TRUE(torch::equal(Logits(*there), expected));
}

INSTANTIATE_TEST_SUITE_P(All, EachClassifierOnCuda,
                         testing::Values("resnet18", "mobilenetv2", "shufflenetv2",
                                         "efficientnet-b0"));

class EachDetectorOnCuda : public OnCuda, public testing::WithParamInterface<const char*> {};

TEST_P(EachDetectorOnCuda, FindsTheSame) {
  const auto here = MakeDetector(GetParam());
  const auto there = here->Clone();
  ASSERT_TRUE(there->MoveTo(kCuda).ok());
  EXPECT_EQ(Saved(*there), Saved(*here));
  auto& expected = dynamic_cast<TorchDetector&>(*here);
  auto& moved = dynamic_cast<TorchDetector&>(*there);
  const auto pictures = torch::rand({2, 3, kSide, kSide});
  const std::vector<std::vector<Detection>> truth = {{{{4, 6, 30, 20}, 1, 1}}, {}};
  const torch::NoGradGuard no_grad;
  const auto outputs = expected.network().Run(pictures);
  const auto moved_outputs = moved.network().Run(pictures);
  ASSERT_EQ(moved_outputs.size(), outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double near = 0.02 * outputs[i].abs().max().item<double>();
    EXPECT_LT((moved_outputs[i].cpu() - outputs[i]).abs().max().item<double>(), near);
  }
  const double loss = expected.head().Loss(outputs, truth, kSide).item<double>();
  EXPECT_NEAR(moved.head().Loss(moved_outputs, truth, kSide).item<double>(), loss, 0.02 * loss);

  const auto served = MakeServed(*there);
  const auto found = served->Analyze(Noise(), 0);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_FALSE(found->empty());
}

INSTANTIATE_TEST_SUITE_P(All, EachDetectorOnCuda,
                         testing::Values("tiny-yolov3", "ssdlite-mobilenetv2"));

TEST_F(OnCuda, AHeadIsRemadeAndGrownThere) {
  const auto model = MakeClassifier();
  const auto there = model->Clone();
  ASSERT_TRUE(there->MoveTo(kCuda).ok());
  const auto grown = there->Grown({"van"});
  ASSERT_TRUE(grown.ok()) << grown.error().message;
  EXPECT_EQ((*grown)->device(), kCuda);
  EXPECT_EQ(Saved(**grown), Saved(**model->Grown({"van"})));
  auto& remade = dynamic_cast<TorchClassifier&>(*there);
  remade.RemakeHead(6, 2);
  EXPECT_EQ(remade.device(), kCuda);
  dynamic_cast<TorchClassifier&>(*model).RemakeHead(6, 2);
  EXPECT_EQ(Saved(remade), Saved(*model));
}

}  // namespace
}  // namespace ekya::models
