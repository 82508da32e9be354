#include "platform/models/architectures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/site.h"
#include "platform/models/internal/each_architecture.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

using testing::ElementsAre;

ClassifierShape ShapeOf(const std::string& architecture, double width, int input_size,
                        int classes) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.width = width;
  shape.input_size = input_size;
  for (int i = 0; i < classes; ++i) shape.classes.push_back(std::to_string(i));
  return shape;
}

std::unique_ptr<TorchClassifier> Make(const ClassifierShape& shape, std::uint64_t seed = 1) {
  auto made = Classifier::Create(shape, seed);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::unique_ptr<TorchClassifier>(dynamic_cast<TorchClassifier*>(made->release()));
}

std::map<std::string, std::vector<std::int64_t>> NamesOf(const ClassifierShape& shape) {
  std::map<std::string, std::vector<std::int64_t>> names;
  for (const auto& [name, tensor] : Make(shape)->network().Store()) names[name] = tensor.shape;
  return names;
}

/// The names and shapes that torchvision 0.14 gives a convolution and the batch norm behind it.
class Expected {
 public:
  void Convolution(const std::string& name, int out, int in, int kernel, bool bias = false) {
    names_[name + ".weight"] = {out, in, kernel, kernel};
    if (bias) names_[name + ".bias"] = {out};
  }
  void Norm(const std::string& name, int channels) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
      names_[name + part] = {channels};
    }
    names_[name + ".num_batches_tracked"] = {};
  }
  void Linear(const std::string& name, int out, int in) {
    names_[name + ".weight"] = {out, in};
    names_[name + ".bias"] = {out};
  }
  const std::map<std::string, std::vector<std::int64_t>>& names() const { return names_; }

 private:
  std::map<std::string, std::vector<std::int64_t>> names_;
};

TEST(Architectures, ResNet18IsTorchvisions) {
  Expected expected;
  expected.Convolution("conv1", 64, 3, 7);
  expected.Norm("bn1", 64);
  int in = 64;
  for (int layer = 1; layer <= 4; ++layer) {
    const int out = 32 << layer;
    for (const std::string block : {".0", ".1"}) {
      const std::string name = "layer" + std::to_string(layer) + block;
      expected.Convolution(name + ".conv1", out, block == ".0" ? in : out, 3);
      expected.Norm(name + ".bn1", out);
      expected.Convolution(name + ".conv2", out, out, 3);
      expected.Norm(name + ".bn2", out);
    }
    if (layer > 1) {
      expected.Convolution("layer" + std::to_string(layer) + ".0.downsample.0", out, in, 1);
      expected.Norm("layer" + std::to_string(layer) + ".0.downsample.1", out);
    }
    in = out;
  }
  expected.Linear("fc", 1000, 512);
  EXPECT_EQ(NamesOf(ShapeOf("resnet18", 1, 224, 1000)), expected.names());
}

TEST(Architectures, MobileNetV2IsTorchvisions) {
  Expected expected;
  expected.Convolution("features.0.0", 32, 3, 3);
  expected.Norm("features.0.1", 32);
  constexpr int kOut[] = {16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320};
  int in = 32;
  for (int i = 1; i <= 17; ++i) {
    const std::string name = "features." + std::to_string(i) + ".conv.";
    const int hidden = i == 1 ? in : 6 * in;
    const std::string depthwise = i == 1 ? "0" : "1";
    if (i > 1) {
      expected.Convolution(name + "0.0", hidden, in, 1);
      expected.Norm(name + "0.1", hidden);
    }
    expected.Convolution(name + depthwise + ".0", hidden, 1, 3);
    expected.Norm(name + depthwise + ".1", hidden);
    expected.Convolution(name + (i == 1 ? "1" : "2"), kOut[i - 1], hidden, 1);
    expected.Norm(name + (i == 1 ? "2" : "3"), kOut[i - 1]);
    in = kOut[i - 1];
  }
  expected.Convolution("features.18.0", 1280, 320, 1);
  expected.Norm("features.18.1", 1280);
  expected.Linear("classifier.1", 1000, 1280);
  EXPECT_EQ(NamesOf(ShapeOf("mobilenetv2", 1, 224, 1000)), expected.names());
}

TEST(Architectures, ShuffleNetV2IsTorchvisions) {
  Expected expected;
  expected.Convolution("conv1.0", 24, 3, 3);
  expected.Norm("conv1.1", 24);
  constexpr int kUnits[] = {4, 8, 4};
  int in = 24;
  for (int stage = 2; stage <= 4; ++stage) {
    const int half = 29 << (stage - 1);
    for (int unit = 0; unit < kUnits[stage - 2]; ++unit) {
      const std::string name = "stage" + std::to_string(stage) + "." + std::to_string(unit);
      if (unit == 0) {
        expected.Convolution(name + ".branch1.0", in, 1, 3);
        expected.Norm(name + ".branch1.1", in);
        expected.Convolution(name + ".branch1.2", half, in, 1);
        expected.Norm(name + ".branch1.3", half);
      }
      expected.Convolution(name + ".branch2.0", half, unit == 0 ? in : half, 1);
      expected.Norm(name + ".branch2.1", half);
      expected.Convolution(name + ".branch2.3", half, 1, 3);
      expected.Norm(name + ".branch2.4", half);
      expected.Convolution(name + ".branch2.5", half, half, 1);
      expected.Norm(name + ".branch2.6", half);
    }
    in = 2 * half;
  }
  expected.Convolution("conv5.0", 1024, 464, 1);
  expected.Norm("conv5.1", 1024);
  expected.Linear("fc", 1000, 1024);
  EXPECT_EQ(NamesOf(ShapeOf("shufflenetv2", 1, 224, 1000)), expected.names());
}

TEST(Architectures, EfficientNetB0IsTorchvisions) {
  struct Group {
    int kernel, out, blocks;
  };
  constexpr Group kGroups[] = {{3, 16, 1},  {3, 24, 2},  {5, 40, 2}, {3, 80, 3},
                               {5, 112, 3}, {5, 192, 4}, {3, 320, 1}};
  Expected expected;
  expected.Convolution("features.0.0", 32, 3, 3);
  expected.Norm("features.0.1", 32);
  int in = 32;
  for (int group = 0; group < 7; ++group) {
    for (int i = 0; i < kGroups[group].blocks; ++i) {
      const auto name =
          "features." + std::to_string(group + 1) + "." + std::to_string(i) + ".block.";
      const int hidden = group == 0 ? in : 6 * in;
      int part = 0;
      if (group > 0) {
        expected.Convolution(name + "0.0", hidden, in, 1);
        expected.Norm(name + "0.1", hidden);
        part = 1;
      }
      expected.Convolution(name + std::to_string(part) + ".0", hidden, 1, kGroups[group].kernel);
      expected.Norm(name + std::to_string(part) + ".1", hidden);
      expected.Convolution(name + std::to_string(part + 1) + ".fc1", in / 4, hidden, 1, true);
      expected.Convolution(name + std::to_string(part + 1) + ".fc2", hidden, in / 4, 1, true);
      expected.Convolution(name + std::to_string(part + 2) + ".0", kGroups[group].out, hidden, 1);
      expected.Norm(name + std::to_string(part + 2) + ".1", kGroups[group].out);
      in = kGroups[group].out;
    }
  }
  expected.Convolution("features.8.0", 1280, 320, 1);
  expected.Norm("features.8.1", 1280);
  expected.Linear("classifier.1", 1000, 1280);
  EXPECT_EQ(NamesOf(ShapeOf("efficientnet-b0", 1, 224, 1000)), expected.names());
}

TEST(Architectures, HaveAsManyParametersAsThePublishedOnes) {
  const auto parameters = [](const char* name, double width) {
    return Make(ShapeOf(name, width, 224, 1000))->parameters();
  };
  // As torchvision's documentation gives them.
  EXPECT_EQ(parameters("resnet18", 1), 11'689'512);
  EXPECT_EQ(parameters("mobilenetv2", 1), 3'504'872);
  EXPECT_EQ(parameters("shufflenetv2", 0.5), 1'366'792);
  EXPECT_EQ(parameters("shufflenetv2", 1), 2'278'604);
  EXPECT_EQ(parameters("shufflenetv2", 1.5), 3'503'624);
  EXPECT_EQ(parameters("shufflenetv2", 2), 7'393'996);
  EXPECT_EQ(parameters("efficientnet-b0", 1), 5'288'548);
}

TEST(Architectures, HoldsWhatASiteMayName) {
  for (const auto& architecture : Architectures()) {
    const auto site = ReadSite(std::string("model: {architecture: ") + architecture.name +
                                   "}\ncameras: {a: {url: \"scene:intersection\"}}\n",
                               "site");
    EXPECT_TRUE(site.ok()) << site.error().message;
  }
}

TEST(ScaleChannels, RoundsAsTheArchitecturesDo) {
  EXPECT_EQ(ScaleChannels(64, 0.045), 3);
  EXPECT_EQ(ScaleChannels(64, 0.001), 1);
  // torchvision's _make_divisible: 32 * 0.35 = 11.2 and 24 * 0.35 = 8.4 become 16 and 8.
  EXPECT_EQ(ScaleChannelsBy8(32, 0.35), 16);
  EXPECT_EQ(ScaleChannelsBy8(24, 0.35), 8);
  EXPECT_EQ(ScaleChannelsBy8(96, 1.4), 136);
  EXPECT_EQ(ScaleChannelsBy8(16, 0.25), 8);
  EXPECT_EQ(ScaleChannelsBy8(16, 0.2), 3);
}

class EachArchitecture : public testing::TestWithParam<Architecture> {
 protected:
  static torch::Tensor Pictures(int count, int side) {
    return torch::randn({count, 3, side, side}, MakeGenerator(7));
  }
  static std::map<std::string, StoredTensor> Weights(TorchClassifier& model) {
    return model.network().Store();
  }
};

TEST_P(EachArchitecture, LowersItsLossInEitherPrecision) {
  ComputeWithOneThread();
  for (const Precision precision : {Precision::kFloat32, Precision::kBfloat16}) {
    auto model = Make(ShapeOf(GetParam().name, 0.06, 32, 3));
    auto& network = model->network();
    network.SetTrainingPrecision(precision);
    network.SetTrainedStages(network.stages());
    const auto images = Pictures(12, 32);
    const auto labels = torch::arange(12).remainder(3);
    torch::optim::SGD sgd(network.parameters(), torch::optim::SGDOptions(0.05).momentum(0.9));
    std::vector<double> losses;
    for (int step = 0; step < 30; ++step) {
      const auto output = network.Forward(images);
      EXPECT_EQ(output.scalar_type(), torch::kFloat);
      const auto loss = torch::nn::functional::cross_entropy(output, labels);
      losses.push_back(loss.item<double>());
      sgd.zero_grad();
      loss.backward();
      sgd.step();
    }
    EXPECT_LT(losses.back(), 0.75 * losses.front()) << Name(precision);
    for (const auto& parameter : network.parameters()) {
      EXPECT_EQ(parameter.grad().scalar_type(), torch::kFloat);
    }
  }
}

TEST_P(EachArchitecture, TrainsItsLastStagesAlone) {
  ComputeWithOneThread();
  for (const int trained : {0, 1, 3, 5}) {
    auto model = Make(ShapeOf(GetParam().name, 0.06, 32, 2));
    auto& network = model->network();
    ASSERT_EQ(network.stages(), 5);
    network.SetTrainedStages(trained);
    const auto before = Weights(*model);
    const auto output = network.Forward(Pictures(4, 32));
    EXPECT_EQ(output.requires_grad(), trained > 0);
    if (trained > 0) output.square().sum().backward();
    // Batch norms of trained stages have learned from the forward pass, the others have not.
    const auto after = Weights(*model);
    for (std::size_t i = 0; i < network.graph().layers().size(); ++i) {
      const Layer& layer = network.graph().layers()[i];
      const bool learns = layer.stage >= network.stages() - trained;
      if (layer.kind == Layer::Kind::kBatchNorm) {
        const std::string name = layer.name + ".running_mean";
        EXPECT_EQ(before.at(name).bytes != after.at(name).bytes, learns) << name;
      }
      if (layer.kind != Layer::Kind::kConvolution) continue;
      const auto gradient = network.convolution(static_cast<int>(i))->weight.grad();
      EXPECT_EQ(gradient.defined(), learns) << layer.name;
      if (learns && gradient.defined()) {
        EXPECT_GT(gradient.abs().sum().item<double>(), 0) << layer.name;
      }
    }
  }
}

TEST_P(EachArchitecture, CanBeCutBetweenFrozenAndTrained) {
  ComputeWithOneThread();
  auto model = Make(ShapeOf(GetParam().name, 0.06, 32, 2));
  auto& network = model->network();
  const auto images = Pictures(3, 32);
  const torch::NoGradGuard no_grad;
  const auto whole = network.Forward(images);
  EXPECT_THAT(whole.sizes().vec(), ElementsAre(3, 2));
  for (int trained = 0; trained <= 5; ++trained) {
    network.SetTrainedStages(trained);
    for (auto& module : network.modules()) module->eval();
    const int frozen = network.stages() - trained;
    const auto cut = network.ForwardFrom(frozen, network.ForwardTo(frozen, images));
    EXPECT_TRUE(torch::equal(cut, whole)) << trained;
  }
}

TEST_P(EachArchitecture, SavesLoadsAndClones) {
  for (const int last_hidden : {0, 12}) {
    for (const int input_size : {32, 96}) {
      auto shape = ShapeOf(GetParam().name, 0.1, input_size, 3);
      shape.last_hidden = last_hidden;
      auto model = Make(shape, 3);
      const auto path = std::filesystem::path(testing::TempDir()) /
                        (std::string("architecture-") + GetParam().name + ".safetensors");
      ASSERT_TRUE(model->Save(path).ok());
      const auto loaded = Classifier::Load(path);
      ASSERT_TRUE(loaded.ok()) << loaded.error().message;
      std::filesystem::remove(path);
      Random random(4);
      Image image{50, 50, std::vector<std::uint8_t>(3 * 50 * 50)};
      for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
      const double score = (*model->Classify({&image}, 0))[0].score;
      EXPECT_EQ((*(*loaded)->Classify({&image}, 0))[0].score, score);
      EXPECT_EQ((*model->Clone()->Classify({&image}, 0))[0].score, score);
      // Another head on the same body.
      auto remade = Make(shape, 3);
      remade->RemakeHead(5, 9);
      auto before = model->network().Store();
      int kept = 0;
      for (const auto& [name, tensor] : remade->network().Store()) {
        if (!before.contains(name)) continue;
        kept += before[name].bytes == tensor.bytes ? 1 : 0;
      }
      EXPECT_GE(kept, static_cast<int>(before.size()) - 4);
      EXPECT_EQ(remade->shape().last_hidden, 5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, EachArchitecture, testing::ValuesIn(Architectures()),
                         internal::kNameOfTest);

}  // namespace
}  // namespace ekya::models
