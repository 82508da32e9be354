#pragma once

#include <string>

#include "platform/models/layer_graph.h"

namespace ekya::models::internal {

struct InvertedResidual {
  int expanded = 0;  ///< After the first pointwise convolution.
  int output = 0;
};

/// A pointwise convolution to `expansion` times the channels, a depthwise 3x3 one, a pointwise one
/// without activation, and the way around them where the shape stays (Sandler 2018).
InvertedResidual AddInvertedResidual(LayerGraph& graph, int input, const std::string& name,
                                     int channels, int expansion, int stride);

/// Where detectors look into MobileNetV2.
struct MobileNetV2Layers {
  int sixteenth = 0;  ///< At 1/16 of the picture: the expanded channels of block 14.
  int last = 0;       ///< At 1/32, 1280 channels.
};

/// MobileNetV2 without its head, in four stages. `small`: without the first two reductions.
MobileNetV2Layers AddMobileNetV2(LayerGraph& graph, const std::string& name, double width,
                                 bool small);

}  // namespace ekya::models::internal
