#include <array>
#include <string>

#include "platform/models/architectures.h"

namespace ekya::models {
namespace {

/// Two 3x3 convolutions and the way around them.
int AddBasicBlock(LayerGraph& graph, int input, const std::string& name, int channels, int stride) {
  int output = graph.ConvolveNormActivate(input, name + ".conv1", name + ".bn1", channels,
                                          {.kernel = 3, .stride = stride}, Activation::kRelu);
  output = graph.Convolve(output, name + ".conv2", channels, {.kernel = 3});
  output = graph.BatchNorm(output, name + ".bn2");
  int way = input;
  if (stride != 1 || graph.channels(input) != channels) {
    way = graph.Convolve(input, name + ".downsample.0", channels, {.stride = stride});
    way = graph.BatchNorm(way, name + ".downsample.1");
  }
  return graph.Activate(graph.Add(output, way), Activation::kRelu);
}

}  // namespace

LayerGraph MakeResNet18(const ClassifierShape& shape) {
  const bool small = shape.input_size <= kLargestSmallInput;
  std::array<int, 4> channels{};
  for (std::size_t i = 0; i < channels.size(); ++i) {
    channels[i] = ScaleChannels(64 << i, shape.width);
  }
  LayerGraph graph;
  const LayerGraph::Convolution stem = {.kernel = small ? 3 : 7, .stride = small ? 1 : 2};
  int layer = graph.ConvolveNormActivate(graph.input(), "conv1", "bn1", channels[0], stem,
                                         Activation::kRelu);
  if (!small) layer = graph.MaxPool(layer, 3, 2, 1);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (i > 0) graph.BeginStage();
    const std::string name = "layer" + std::to_string(i + 1);
    layer = AddBasicBlock(graph, layer, name + ".0", channels[i], i == 0 ? 1 : 2);
    layer = AddBasicBlock(graph, layer, name + ".1", channels[i], 1);
  }
  graph.ClassifierHead(layer, "fc", shape.last_hidden, static_cast<int>(shape.classes.size()));
  return graph;
}

}  // namespace ekya::models
