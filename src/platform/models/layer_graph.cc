#include "platform/models/layer_graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace ekya::models {

LayerGraph::LayerGraph() { layers_.emplace_back(); }

int LayerGraph::Append(Layer layer) {
  for (const int input : layer.inputs) {
    EKYA_CHECK(input >= 0 && input < static_cast<int>(layers_.size()));
  }
  layer.stage = stage_;
  layers_.push_back(std::move(layer));
  return static_cast<int>(layers_.size()) - 1;
}

void LayerGraph::PlaceInStage(int layer, int stage) {
  layers_.at(static_cast<std::size_t>(layer)).stage = stage;
  stage_ = std::max(stage_, stage);
}

int LayerGraph::Convolve(int input, const std::string& name, int channels,
                         const Convolution& convolution) {
  return Append({.kind = Layer::Kind::kConvolution,
                 .inputs = {input},
                 .name = name,
                 .channels = channels,
                 .kernel = convolution.kernel,
                 .stride = convolution.stride,
                 .padding = convolution.kernel / 2,
                 .groups = convolution.groups,
                 .bias = convolution.bias});
}

int LayerGraph::BatchNorm(int input, const std::string& name) {
  return Append({.kind = Layer::Kind::kBatchNorm,
                 .inputs = {input},
                 .name = name,
                 .channels = channels(input)});
}

int LayerGraph::Activate(int input, Activation activation) {
  if (activation == Activation::kLinear) return input;
  return Append({.kind = Layer::Kind::kActivation,
                 .inputs = {input},
                 .channels = channels(input),
                 .activation = activation});
}

int LayerGraph::MaxPool(int input, int kernel, int stride, int padding) {
  return Append({.kind = Layer::Kind::kMaxPool,
                 .inputs = {input},
                 .channels = channels(input),
                 .kernel = kernel,
                 .stride = stride,
                 .padding = padding,
                 .padding_after = padding});
}

int LayerGraph::Add(int a, int b) {
  EKYA_CHECK(channels(a) == channels(b));
  return Append({.kind = Layer::Kind::kAdd, .inputs = {a, b}, .channels = channels(a)});
}

int LayerGraph::Multiply(int a, int b) {
  EKYA_CHECK(channels(a) == channels(b));
  return Append({.kind = Layer::Kind::kMultiply, .inputs = {a, b}, .channels = channels(a)});
}

int LayerGraph::Concatenate(const std::vector<int>& inputs) {
  int sum = 0;
  for (const int input : inputs) sum += channels(input);
  return Append({.kind = Layer::Kind::kConcatenate, .inputs = inputs, .channels = sum});
}

int LayerGraph::Slice(int input, int first_channel, int count) {
  EKYA_CHECK(first_channel >= 0 && count > 0 && first_channel + count <= channels(input));
  return Append({.kind = Layer::Kind::kSlice,
                 .inputs = {input},
                 .channels = count,
                 .first_channel = first_channel});
}

int LayerGraph::Shuffle(int input, int groups) {
  EKYA_CHECK(groups > 0 && channels(input) % groups == 0);
  return Append({.kind = Layer::Kind::kShuffle,
                 .inputs = {input},
                 .channels = channels(input),
                 .groups = groups});
}

int LayerGraph::GlobalAverage(int input) {
  return Append(
      {.kind = Layer::Kind::kGlobalAverage, .inputs = {input}, .channels = channels(input)});
}

int LayerGraph::Flatten(int input) {
  return Append({.kind = Layer::Kind::kFlatten, .inputs = {input}, .channels = channels(input)});
}

int LayerGraph::Linear(int input, const std::string& name, int outputs) {
  return Append({.kind = Layer::Kind::kLinear,
                 .inputs = {input},
                 .name = name,
                 .channels = outputs,
                 .bias = true});
}

int LayerGraph::ConvolveNormActivate(int input, const std::string& convolution_name,
                                     const std::string& norm_name, int channels,
                                     const Convolution& convolution, Activation activation) {
  const int convolved = Convolve(input, convolution_name, channels, convolution);
  return Activate(BatchNorm(convolved, norm_name), activation);
}

void LayerGraph::ClassifierHead(int input, const std::string& name, int last_hidden, int classes) {
  BeginStage();
  const int features = Flatten(GlobalAverage(input));
  if (last_hidden == 0) return Output(Linear(features, name, classes));
  const int hidden = Activate(Linear(features, name + ".0", last_hidden), Activation::kRelu);
  Output(Linear(hidden, name + ".2", classes));
}

int ScaleChannels(int channels, double width) {
  return std::max(1, static_cast<int>(std::lround(channels * width)));
}

int ScaleChannelsBy8(int channels, double width) {
  constexpr double kSmallestPublished = 0.25;
  constexpr int kStep = 8;
  if (width < kSmallestPublished) return ScaleChannels(channels, width);
  const double exact = channels * width;
  const int rounded = std::max(kStep, static_cast<int>(exact + kStep / 2.0) / kStep * kStep);
  return rounded < 0.9 * exact ? rounded + kStep : rounded;
}

}  // namespace ekya::models
