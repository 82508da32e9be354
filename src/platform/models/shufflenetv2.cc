#include <array>
#include <cmath>
#include <string>

#include "platform/models/architectures.h"

namespace ekya::models {
namespace {

/// Channels of the stem, of the three stages and of the last convolution.
using Channels = std::array<int, 5>;

Channels ChannelsOf(double width) {
  constexpr Channels kOne = {24, 116, 232, 464, 1024};
  if (width == 0.5) return {24, 48, 96, 192, 1024};
  if (width == 1) return kOne;
  if (width == 1.5) return {24, 176, 352, 704, 1024};
  if (width == 2) return {24, 244, 488, 976, 2048};
  Channels scaled{};
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] = ScaleChannels(kOne[i], width);
    // A stage's units work on halves.
    if (i > 0) scaled[i] += scaled[i] % 2;
  }
  return scaled;
}

/// The branch that every unit has: pointwise, depthwise, pointwise.
int AddRightBranch(LayerGraph& graph, int input, const std::string& name, int channels,
                   int stride) {
  int layer = graph.ConvolveNormActivate(input, name + ".branch2.0", name + ".branch2.1", channels,
                                         {}, Activation::kRelu);
  layer = graph.Convolve(layer, name + ".branch2.3", channels,
                         {.kernel = 3, .stride = stride, .groups = channels});
  layer = graph.BatchNorm(layer, name + ".branch2.4");
  return graph.ConvolveNormActivate(layer, name + ".branch2.5", name + ".branch2.6", channels, {},
                                    Activation::kRelu);
}

/// A unit that halves the picture: both branches see all channels.
int AddReducingUnit(LayerGraph& graph, int input, const std::string& name, int channels) {
  const int in = graph.channels(input);
  int left =
      graph.Convolve(input, name + ".branch1.0", in, {.kernel = 3, .stride = 2, .groups = in});
  left = graph.BatchNorm(left, name + ".branch1.1");
  left = graph.ConvolveNormActivate(left, name + ".branch1.2", name + ".branch1.3", channels / 2,
                                    {}, Activation::kRelu);
  const int right = AddRightBranch(graph, input, name, channels / 2, 2);
  return graph.Shuffle(graph.Concatenate({left, right}), 2);
}

/// A unit that lets one half of the channels pass.
int AddUnit(LayerGraph& graph, int input, const std::string& name) {
  const int half = graph.channels(input) / 2;
  const int left = graph.Slice(input, 0, half);
  const int right = AddRightBranch(graph, graph.Slice(input, half, half), name, half, 1);
  return graph.Shuffle(graph.Concatenate({left, right}), 2);
}

}  // namespace

LayerGraph MakeShuffleNetV2(const ClassifierShape& shape) {
  constexpr std::array<int, 3> kUnits = {4, 8, 4};
  const bool small = shape.input_size <= kLargestSmallInput;
  const Channels channels = ChannelsOf(shape.width);
  LayerGraph graph;
  int layer = graph.ConvolveNormActivate(graph.input(), "conv1.0", "conv1.1", channels[0],
                                         {.kernel = 3, .stride = small ? 1 : 2}, Activation::kRelu);
  if (!small) layer = graph.MaxPool(layer, 3, 2, 1);
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (i > 0) graph.BeginStage();
    const std::string name = "stage" + std::to_string(i + 2) + ".";
    layer = AddReducingUnit(graph, layer, name + "0", channels[i + 1]);
    for (int unit = 1; unit < kUnits[i]; ++unit) {
      layer = AddUnit(graph, layer, name + std::to_string(unit));
    }
  }
  graph.BeginStage();
  layer =
      graph.ConvolveNormActivate(layer, "conv5.0", "conv5.1", channels[4], {}, Activation::kRelu);
  graph.ClassifierHead(layer, "fc", shape.last_hidden, static_cast<int>(shape.classes.size()));
  return graph;
}

}  // namespace ekya::models
