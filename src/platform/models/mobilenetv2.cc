#include <algorithm>
#include <string>

#include "platform/models/architectures.h"
#include "platform/models/internal/mobilenetv2_blocks.h"

namespace ekya::models {
namespace internal {

InvertedResidual AddInvertedResidual(LayerGraph& graph, int input, const std::string& name,
                                     int channels, int expansion, int stride) {
  const std::string conv = name + ".conv.";
  const int hidden = graph.channels(input) * expansion;
  int layer = input;
  int part = 0;
  const auto add = [&](int count, const LayerGraph::Convolution& convolution) {
    const std::string prefix = conv + std::to_string(part++);
    layer = graph.ConvolveNormActivate(layer, prefix + ".0", prefix + ".1", count, convolution,
                                       Activation::kRelu6);
  };
  if (expansion != 1) add(hidden, {});
  const int expanded = layer;
  add(hidden, {.kernel = 3, .stride = stride, .groups = hidden});
  layer = graph.Convolve(layer, conv + std::to_string(part), channels, {});
  layer = graph.BatchNorm(layer, conv + std::to_string(part + 1));
  const bool around = stride == 1 && graph.channels(input) == channels;
  return {.expanded = expanded, .output = around ? graph.Add(layer, input) : layer};
}

MobileNetV2Layers AddMobileNetV2(LayerGraph& graph, const std::string& name, double width,
                                 bool small) {
  struct Group {
    int expansion, channels, blocks, stride;
    bool begins_stage;
  };
  constexpr Group kGroups[] = {{1, 16, 1, 1, false}, {6, 24, 2, 2, false}, {6, 32, 3, 2, true},
                               {6, 64, 4, 2, true},  {6, 96, 3, 1, false}, {6, 160, 3, 2, true},
                               {6, 320, 1, 1, false}};
  MobileNetV2Layers layers;
  int layer = graph.ConvolveNormActivate(
      graph.input(), name + ".0.0", name + ".0.1", ScaleChannelsBy8(32, width),
      {.kernel = 3, .stride = small ? 1 : 2}, Activation::kRelu6);
  int block = 1;
  for (const Group& group : kGroups) {
    if (group.begins_stage) graph.BeginStage();
    for (int i = 0; i < group.blocks; ++i, ++block) {
      // The stem and the second group reduce first.
      const bool reduces = i == 0 && !(small && group.channels == 24);
      const InvertedResidual added = AddInvertedResidual(
          graph, layer, name + "." + std::to_string(block), ScaleChannelsBy8(group.channels, width),
          group.expansion, reduces ? group.stride : 1);
      if (group.channels == 160 && i == 0) layers.sixteenth = added.expanded;
      layer = added.output;
    }
  }
  // Below torchvision's smallest width the last layer shrinks with the others.
  const int last =
      width < 0.25 ? ScaleChannels(1280, width) : ScaleChannelsBy8(1280, std::max(1.0, width));
  const std::string name_of_last = name + "." + std::to_string(block);
  layers.last = graph.ConvolveNormActivate(layer, name_of_last + ".0", name_of_last + ".1", last,
                                           {}, Activation::kRelu6);
  return layers;
}

}  // namespace internal

LayerGraph MakeMobileNetV2(const ClassifierShape& shape) {
  LayerGraph graph;
  const internal::MobileNetV2Layers layers = internal::AddMobileNetV2(
      graph, "features", shape.width, shape.input_size <= kLargestSmallInput);
  graph.ClassifierHead(layers.last, "classifier.1", shape.last_hidden,
                       static_cast<int>(shape.classes.size()));
  return graph;
}

}  // namespace ekya::models
