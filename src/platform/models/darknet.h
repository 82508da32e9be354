#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/safetensors.h"
#include "platform/models/layer_graph.h"

namespace ekya::models {

/// What the numbers of one [yolo] layer mean: for each place of its grid and each anchor the box's
/// center and size, an objectness and a score for each class (Redmon 2018).
struct YoloHead {
  std::vector<std::pair<double, double>> anchors;  ///< Width and height, pixels of the input.
  int classes = 0;
  double center_scale = 1;  ///< `scale_x_y`: how far a center may leave its cell.
};

/// A Darknet network (YOLOv3 and its like) as its *.cfg describes it.
struct DarknetNetwork {
  /// An output before decoding for each [yolo]. Layers "layers.N.convolution" and "layers.N.norm",
  /// N counting the file's sections after [net] from 0. Five stages: until 1/8, 1/16 and 1/32 of
  /// the picture, the rest, and the convolutions that give the outputs.
  LayerGraph graph;
  std::vector<YoloHead> heads;  ///< One for each output of the graph.
  int width = 0;                ///< Of the input, pixels.
  int height = 0;
};

/// Reads a *.cfg: [convolutional], [maxpool], [upsample], [route], [shortcut], [dropout] (nothing
/// when it serves) and [yolo] layers. Keys of [net] and [yolo] that only steer Darknet's own
/// training are skipped; any other unknown layer, key or value is kInvalid, with file, line, found
/// and expected, and so are layers whose sizes do not fit together.
Result<DarknetNetwork> ParseDarknet(std::string_view text, const std::string& file);

/// `text` with `classes` classes instead of its own: in each [yolo] and in the [convolutional]
/// before it, which must be there. kInvalid as ParseDarknet.
Result<std::string> ReplaceDarknetClasses(std::string_view text, const std::string& file,
                                          int classes);

/// The state dict of `network` from the bytes of its *.weights. kInvalid names `file`, and the
/// layer whose weights are cut off or the bytes that are too many.
Result<TensorFile> ParseDarknetWeights(const DarknetNetwork& network, std::string_view content,
                                       const std::string& file);

}  // namespace ekya::models
