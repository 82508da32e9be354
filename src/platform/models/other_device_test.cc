// What models compute where they lie on a device that is no processor: the same, of numbers that
// were all taken there.
#include <gtest/gtest.h>
#include <torch/version.h>

#include <algorithm>

// The device is made of parts that LibTorch 2 has in another form.
#if TORCH_VERSION_MAJOR < 2

#include "platform/models/device_for_tests.h"
#include "platform/models/torch_classifier.h"
#include "platform/models/torch_detector.h"

namespace ekya::models {
namespace {

using device_for_tests::kDevice;

double LargestDifference(const torch::Tensor& a, const torch::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.cpu() - b.cpu()).abs().max().item<double>();
}

TEST(DeviceForTests, RefusesAProcessorsNumbersBesideItsOwn) {
  const auto here = torch::rand({3, 4});
  const auto there = here.to(kDevice);
  EXPECT_EQ(there.device(), kDevice);
  EXPECT_TRUE(torch::equal((there + there).cpu(), here + here));
  EXPECT_TRUE(torch::equal(there.select(1, 2).cpu(), here.select(1, 2)));
  EXPECT_THROW(there + here, c10::Error);
  EXPECT_THROW(there.index_select(0, torch::tensor({0, 2})), c10::Error);
}

class EachClassifierElsewhere : public testing::TestWithParam<const char*> {};

TEST_P(EachClassifierElsewhere, ComputesTheSame) {
  for (const double width : {0.1, 0.75}) {  // The wide ones keep channels last.
    ClassifierShape shape;
    shape.architecture = GetParam();
    shape.width = width;
    shape.classes = {"free", "busy"};
    const auto here = std::move(*Classifier::Create(shape, 1));
    const auto there = here->Clone();
    auto& expected = dynamic_cast<TorchClassifier&>(*here).network();
    auto& network = dynamic_cast<TorchClassifier&>(*there).network();
    network.MoveTo(kDevice);
    for (const auto& parameter : network.parameters()) EXPECT_EQ(parameter.device(), kDevice);
    for (const auto& buffer : network.buffers()) EXPECT_EQ(buffer.device(), kDevice);
    const auto pictures = torch::rand({2, 3, 32, 32});
    const torch::NoGradGuard no_grad;
    const auto logits = network.Forward(pictures);
    EXPECT_EQ(logits.device(), kDevice);
    EXPECT_LT(LargestDifference(logits, expected.Forward(pictures)), 1e-4);
    const auto features = network.ForwardTo(3, pictures);
    EXPECT_EQ(features.device(), kDevice);
    EXPECT_LT(LargestDifference(network.ForwardFrom(3, features), logits), 1e-4);
    // What is kept is the same.
    const auto stored = network.Store();
    for (const auto& [name, tensor] : expected.Store()) {
      EXPECT_EQ(stored.at(name).bytes, tensor.bytes) << name;
    }
    const auto clone = there->Clone();
    EXPECT_EQ(dynamic_cast<TorchClassifier&>(*clone).network().device(), kDevice);
    const auto grown = there->Grown({"odd"});
    ASSERT_TRUE(grown.ok()) << grown.error().message;
    EXPECT_EQ(dynamic_cast<TorchClassifier&>(**grown).network().device(), kDevice);
    network.MoveTo(torch::kCPU);
    EXPECT_TRUE(torch::equal(network.Forward(pictures), expected.Forward(pictures)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachClassifierElsewhere,
                         testing::Values("resnet18", "mobilenetv2", "shufflenetv2"));

TEST(ElsewhereTest, AClassifierClassifies) {
  ClassifierShape shape;
  shape.width = 0.1;
  shape.classes = {"free", "busy"};
  const auto here = std::move(*Classifier::Create(shape, 1));
  const auto there = here->Clone();
  dynamic_cast<TorchClassifier&>(*there).network().MoveTo(kDevice);
  const Image gray{32, 32, std::vector<std::uint8_t>(3 * 32 * 32, 90)};
  const auto expected = here->Classify({&gray, &gray}, 0);
  const auto found = there->Classify({&gray, &gray}, 0);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[1].class_index, (*expected)[1].class_index);
  EXPECT_NEAR((*found)[1].score, (*expected)[1].score, 1e-4);
}

class EachDetectorElsewhere : public testing::TestWithParam<const char*> {};

TEST_P(EachDetectorElsewhere, FindsAndLosesTheSame) {
  constexpr int kSide = 64;
  DetectorShape shape;
  shape.architecture = GetParam();
  shape.width = 0.1;
  shape.input_size = kSide;
  shape.classes = {"red", "blue"};
  const auto made = std::move(*LearningDetector::Create(shape, 1));
  made->SetScoreThreshold(0.004);
  const auto copy = made->Clone();
  auto& here = dynamic_cast<TorchDetector&>(*made);
  auto& there = dynamic_cast<TorchDetector&>(*copy);
  there.network().MoveTo(kDevice);
  Frame frame;
  frame.image = {kSide, kSide, std::vector<std::uint8_t>(3 * kSide * kSide, 140)};
  const auto found = there.Analyze(frame, 0);
  ASSERT_TRUE(found.ok()) << found.error().message;
  const auto expected_boxes = here.Analyze(frame, 0);
  ASSERT_FALSE(expected_boxes->empty());
  // Wherever it stands: scores of a grey picture are close to each other.
  EXPECT_TRUE(std::ranges::any_of(*found, [&](const Detection& each) {
    return IntersectionOverUnion(each.box, expected_boxes->front().box) > 0.99;
  }));

  const auto pictures = torch::rand({2, 3, kSide, kSide});
  const std::vector<std::vector<Detection>> truth = {
      {{{4, 6, 30, 20}, 1, 1}, {{33, 30, 20, 30}, 0, 1}}, {}};
  for (auto* const detector : {&here, &there}) detector->network().SetTrainedStages(2);
  const auto outputs = there.network().Run(pictures);
  const auto loss = there.head().Loss(outputs, truth, kSide);
  EXPECT_EQ(loss.device(), kDevice);
  const auto expected = here.head().Loss(here.network().Run(pictures), truth, kSide);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-4 * expected.item<double>());
  loss.backward();
  expected.backward();
  const auto parameters = here.network().parameters();
  const auto moved = there.network().parameters();
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].requires_grad()) continue;
    difference += (moved[i].grad().cpu() - parameters[i].grad()).square().sum().item<double>();
    size += parameters[i].grad().square().sum().item<double>();
  }
  ASSERT_GT(size, 0);
  // Of all together, and roughly: where sums round otherwise, another of two equally hard
  // negatives may be chosen. Gradients of other things are further apart than either is long.
  EXPECT_LT(std::sqrt(difference / size), 0.5);
}

INSTANTIATE_TEST_SUITE_P(All, EachDetectorElsewhere,
                         testing::Values("tiny-yolov3", "ssdlite-mobilenetv2"));

TEST(ElsewhereTest, WhatServesAloneIsNarrowed) {
  ClassifierShape shape;
  shape.width = 0.25;
  shape.classes = {"free", "busy"};
  const auto here = std::move(*Classifier::Create(shape, 1));
  const auto pictures = torch::rand({1, 3, 32, 32});
  const torch::NoGradGuard no_grad;
  const auto expected = dynamic_cast<TorchClassifier&>(*here).network().Forward(pictures);
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    const auto copy = here->Clone();
    auto& network = dynamic_cast<TorchClassifier&>(*copy).network();
    network.MoveTo(kDevice);
    network.ServeAlone(precision);
    const auto logits = network.Forward(pictures);
    EXPECT_EQ(logits.scalar_type(), torch::kFloat);
    const double near = precision == Precision::kFloat32 ? 1e-4 : 0.05;
    EXPECT_LT(LargestDifference(logits, expected), near * expected.abs().max().item<double>());
  }
}

}  // namespace
}  // namespace ekya::models

#endif  // TORCH_VERSION_MAJOR
