#include "platform/models/detector_architectures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "platform/models/internal/mobilenetv2_blocks.h"

namespace ekya::models {
namespace {

/// A depthwise 3x3 convolution, its norm, and a pointwise one: what SSDLite makes of SSD's 3x3.
int AddPrediction(LayerGraph& graph, int input, const std::string& name, int channels) {
  const int in = graph.channels(input);
  const int layer = graph.ConvolveNormActivate(input, name + ".0.0", name + ".0.1", in,
                                               {.kernel = 3, .groups = in}, Activation::kRelu6);
  return graph.Convolve(layer, name + ".1", channels, {.bias = true});
}

int AddExtra(LayerGraph& graph, int input, const std::string& name, int channels) {
  const int middle = std::max(1, channels / 2);
  int layer = graph.ConvolveNormActivate(input, name + ".0.0", name + ".0.1", middle, {},
                                         Activation::kRelu6);
  layer =
      graph.ConvolveNormActivate(layer, name + ".1.0", name + ".1.1", middle,
                                 {.kernel = 3, .stride = 2, .groups = middle}, Activation::kRelu6);
  return graph.ConvolveNormActivate(layer, name + ".2.0", name + ".2.1", channels, {},
                                    Activation::kRelu6);
}

}  // namespace

std::string TinyYoloV3(double width, int input_size, int classes) {
  constexpr double kPublishedSize = 416;
  constexpr std::pair<int, int> kAnchors[] = {{10, 14}, {23, 27},   {37, 58},
                                              {81, 82}, {135, 169}, {344, 319}};
  std::vector<std::string> anchors;
  for (const auto& [w, h] : kAnchors) {
    anchors.push_back(fmt::format("{:.4g}, {:.4g}", w * input_size / kPublishedSize,
                                  h * input_size / kPublishedSize));
  }
  std::string text = fmt::format("[net]\nwidth={0}\nheight={0}\n", input_size);
  const auto convolve = [&](int channels, int size) {
    text += fmt::format(
        "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\npad=1\nactivation=leaky\n",
        ScaleChannels(channels, width), size);
  };
  const auto pool = [&](int stride) {
    text += fmt::format("[maxpool]\nsize=2\nstride={}\n", stride);
  };
  const auto yolo = [&](const char* mask) {
    text += fmt::format(
        "[convolutional]\nsize=1\npad=1\nfilters={}\nactivation=linear\n"
        "[yolo]\nmask={}\nanchors={}\nclasses={}\nnum=6\n",
        3 * (5 + classes), mask, fmt::join(anchors, ", "), classes);
  };
  for (const int channels : {16, 32, 64, 128, 256}) {
    convolve(channels, 3);
    pool(2);
  }
  convolve(512, 3);
  pool(1);
  convolve(1024, 3);
  convolve(256, 1);
  convolve(512, 3);
  yolo("3,4,5");
  text += "[route]\nlayers=-4\n";
  convolve(128, 1);
  text += "[upsample]\nstride=2\n[route]\nlayers=-1, 8\n";
  convolve(256, 3);
  yolo("0,1,2");
  return text;
}

LayerGraph MakeSsdLiteMobileNetV2(double width, int classes) {
  LayerGraph graph;
  const internal::MobileNetV2Layers backbone =
      internal::AddMobileNetV2(graph, "backbone.features", width, /*small=*/false);
  graph.BeginStage();
  std::vector<int> levels = {backbone.sixteenth, backbone.last};
  int extra = 0;
  for (const int channels : {512, 256, 256, 128}) {
    levels.push_back(AddExtra(graph, levels.back(), fmt::format("backbone.extra.{}", extra++),
                              ScaleChannels(channels, width)));
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const int scores =
        AddPrediction(graph, levels[i], fmt::format("head.classification_head.module_list.{}", i),
                      kSsdBoxes * (classes + 1));
    const int boxes = AddPrediction(
        graph, levels[i], fmt::format("head.regression_head.module_list.{}", i), kSsdBoxes * 4);
    graph.Output(graph.Concatenate({scores, boxes}));
  }
  return graph;
}

Result<DetectorGraph> MakeDetectorGraph(const DetectorShape& shape) {
  const auto classes = static_cast<int>(shape.classes.size());
  if (shape.architecture == "ssdlite-mobilenetv2") {
    return DetectorGraph{MakeSsdLiteMobileNetV2(shape.width, classes), {}};
  }
  const bool tiny = shape.architecture == "tiny-yolov3";
  if (!tiny && shape.architecture != "darknet") {
    return Error{ErrorCode::kInvalid,
                 fmt::format("model: found architecture '{}', expected one of: tiny-yolov3, "
                             "ssdlite-mobilenetv2, darknet",
                             shape.architecture)};
  }
  const std::string text =
      tiny ? TinyYoloV3(shape.width, shape.input_size, classes) : shape.darknet;
  EKYA_ASSIGN(DarknetNetwork network, ParseDarknet(text, shape.architecture));
  for (const YoloHead& head : network.heads) {
    if (head.classes == classes) continue;
    return Error{ErrorCode::kInvalid, fmt::format("{}: [yolo] classes: found {}, expected {}",
                                                  shape.architecture, head.classes, classes)};
  }
  return DetectorGraph{std::move(network.graph), std::move(network.heads)};
}

}  // namespace ekya::models
