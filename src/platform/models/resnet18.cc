#include "platform/models/resnet18.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "platform/models/convolution.h"

namespace ekya::models {
namespace {

namespace nn = torch::nn;

constexpr int kLargestSmallInput = 64;
constexpr int kStages = 5;

nn::Conv2d Convolution(int in, int out, int kernel, int stride) {
  return nn::Conv2d(
      nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

/// Two 3x3 convolutions and the way around them.
class BasicBlock : public nn::Module {
 public:
  BasicBlock(int in, int out, int stride) {
    conv1_ = register_module("conv1", Convolution(in, out, 3, stride));
    bn1_ = register_module("bn1", nn::BatchNorm2d(out));
    conv2_ = register_module("conv2", Convolution(out, out, 3, 1));
    bn2_ = register_module("bn2", nn::BatchNorm2d(out));
    if (stride != 1 || in != out) {
      way_convolution_ = Convolution(in, out, 1, stride);
      way_norm_ = nn::BatchNorm2d(out);
      register_module("downsample", nn::Sequential(way_convolution_, way_norm_));
    }
  }

  torch::Tensor forward(const torch::Tensor& input) {
    auto output = bn1_(Convolve(conv1_, input)).relu_();
    output = bn2_(Convolve(conv2_, output));
    output += way_norm_ ? way_norm_(Convolve(way_convolution_, input)) : input;
    return output.relu_();
  }

 private:
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  nn::Conv2d conv2_{nullptr};
  nn::BatchNorm2d bn2_{nullptr};
  nn::Conv2d way_convolution_{nullptr};  // the way around, where the shape changes
  nn::BatchNorm2d way_norm_{nullptr};
};

class ResNet18 : public Network {
 public:
  explicit ResNet18(const ClassifierShape& shape) : small_(shape.input_size <= kLargestSmallInput) {
    std::array<int, 4> channels{};
    for (std::size_t i = 0; i < channels.size(); ++i) {
      channels[i] = std::max(1, static_cast<int>(std::lround((64 << i) * shape.width)));
    }
    conv1_ = register_module(
        "conv1", small_ ? Convolution(3, channels[0], 3, 1) : Convolution(3, channels[0], 7, 2));
    bn1_ = register_module("bn1", nn::BatchNorm2d(channels[0]));
    int in = channels[0];
    for (std::size_t i = 0; i < channels.size(); ++i) {
      layers_[i] = register_module("layer" + std::to_string(i + 1),
                                   nn::Sequential(BasicBlock(in, channels[i], i == 0 ? 1 : 2),
                                                  BasicBlock(channels[i], channels[i], 1)));
      in = channels[i];
    }
    features_ = in;
    MakeHead(shape.last_hidden, static_cast<int>(shape.classes.size()));
    SetTrainedStages(0);
  }

  int stages() const override { return kStages; }

  void RemakeHead(int last_hidden, int classes, at::Generator generator) override {
    unregister_module("fc");
    InitialiseModule(*MakeHead(last_hidden, classes), std::move(generator));
    SetTrainedStages(0);
  }

 protected:
  torch::Tensor RunStage(int stage, torch::Tensor input) override {
    if (stage == 0) {
      input = bn1_(Convolve(conv1_, input)).relu_();
      if (!small_) input = torch::max_pool2d(input, 3, 2, 1);
    }
    if (stage < kStages - 1) return layers_[static_cast<std::size_t>(stage)]->forward(input);
    input = torch::adaptive_avg_pool2d(input, {1, 1}).flatten(1);
    return hidden_head_ ? hidden_head_->forward(input) : head_->forward(input);
  }

  std::vector<nn::Module*> StageModules(int stage) override {
    if (stage == 0) return {conv1_.get(), bn1_.get(), layers_[0].get()};
    if (stage < kStages - 1) return {layers_[static_cast<std::size_t>(stage)].get()};
    if (hidden_head_) return {hidden_head_.get()};
    return {head_.get()};
  }

 private:
  std::shared_ptr<nn::Module> MakeHead(int last_hidden, int classes) {
    head_ = nullptr;
    hidden_head_ = nullptr;
    if (last_hidden == 0) {
      head_ = register_module("fc", nn::Linear(features_, classes));
      return head_.ptr();
    }
    hidden_head_ =
        register_module("fc", nn::Sequential(nn::Linear(features_, last_hidden), nn::ReLU(),
                                             nn::Linear(last_hidden, classes)));
    return hidden_head_.ptr();
  }

  const bool small_;
  int features_ = 0;
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  std::array<nn::Sequential, 4> layers_{nullptr, nullptr, nullptr, nullptr};
  nn::Linear head_{nullptr};             // where there is no hidden layer
  nn::Sequential hidden_head_{nullptr};  // where there is one
};

}  // namespace

std::shared_ptr<Network> MakeResNet18(const ClassifierShape& shape) {
  return std::make_shared<ResNet18>(shape);
}

}  // namespace ekya::models
