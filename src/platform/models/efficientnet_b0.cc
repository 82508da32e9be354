#include <algorithm>
#include <string>

#include "platform/models/architectures.h"

namespace ekya::models {
namespace {

struct Group {
  int expansion, kernel, stride, channels, blocks;
  bool begins_stage;
};

/// A block of mobile inverted bottlenecks: expanded, depthwise, squeezed and excited, projected.
int AddBlock(LayerGraph& graph, int input, const std::string& name, const Group& group,
             int channels, int stride) {
  const int in = graph.channels(input);
  const int expanded = group.expansion == 1 ? in : ScaleChannelsBy8(in * group.expansion, 1);
  int part = 0;
  const auto next = [&] { return name + ".block." + std::to_string(part++); };
  int layer = input;
  if (expanded != in) {
    const std::string prefix = next();
    layer = graph.ConvolveNormActivate(layer, prefix + ".0", prefix + ".1", expanded, {},
                                       Activation::kSilu);
  }
  const std::string depthwise = next();
  layer = graph.ConvolveNormActivate(layer, depthwise + ".0", depthwise + ".1", expanded,
                                     {.kernel = group.kernel, .stride = stride, .groups = expanded},
                                     Activation::kSilu);

  const std::string squeeze = next();
  int weight = graph.Convolve(graph.GlobalAverage(layer), squeeze + ".fc1", std::max(1, in / 4),
                              {.bias = true});
  weight = graph.Convolve(graph.Activate(weight, Activation::kSilu), squeeze + ".fc2", expanded,
                          {.bias = true});
  layer = graph.Multiply(layer, graph.Activate(weight, Activation::kSigmoid));

  const std::string project = next();
  layer = graph.Convolve(layer, project + ".0", channels, {});
  layer = graph.BatchNorm(layer, project + ".1");
  return stride == 1 && in == channels ? graph.Add(layer, input) : layer;
}

}  // namespace

LayerGraph MakeEfficientNetB0(const ClassifierShape& shape) {
  constexpr Group kGroups[] = {{1, 3, 1, 16, 1, false},  {6, 3, 2, 24, 2, false},
                               {6, 5, 2, 40, 2, true},   {6, 3, 2, 80, 3, true},
                               {6, 5, 1, 112, 3, false}, {6, 5, 2, 192, 4, true},
                               {6, 3, 1, 320, 1, false}};
  const bool small = shape.input_size <= kLargestSmallInput;
  LayerGraph graph;
  int layer = graph.ConvolveNormActivate(graph.input(), "features.0.0", "features.0.1",
                                         ScaleChannelsBy8(32, shape.width),
                                         {.kernel = 3, .stride = small ? 1 : 2}, Activation::kSilu);
  int index = 1;
  for (const Group& group : kGroups) {
    if (group.begins_stage) graph.BeginStage();
    const int channels = ScaleChannelsBy8(group.channels, shape.width);
    for (int i = 0; i < group.blocks; ++i) {
      const bool reduces = i == 0 && !(small && group.channels == 24);
      layer = AddBlock(graph, layer, "features." + std::to_string(index) + "." + std::to_string(i),
                       group, channels, reduces ? group.stride : 1);
    }
    ++index;
  }
  const std::string last = "features." + std::to_string(index);
  layer = graph.ConvolveNormActivate(layer, last + ".0", last + ".1", 4 * graph.channels(layer), {},
                                     Activation::kSilu);
  graph.ClassifierHead(layer, "classifier.1", shape.last_hidden,
                       static_cast<int>(shape.classes.size()));
  return graph;
}

}  // namespace ekya::models
