#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/darknet.h"
#include "platform/models/learning_detector.h"

namespace ekya::models {

/// SSD's default boxes of each place.
inline constexpr int kSsdBoxes = 6;

/// A detector's layers and what their outputs mean.
struct DetectorGraph {
  LayerGraph graph;
  std::vector<YoloHead>
      yolo;  ///< By output; empty: SSD's, whose input is normalised as ImageNet's.
};

/// The layers of `shape`. kInvalid: an architecture that there is not, or a Darknet text that
/// cannot be read or has other classes.
Result<DetectorGraph> MakeDetectorGraph(const DetectorShape& shape);

/// TinyYOLOv3 (Redmon 2018) as a Darknet text: two grids at 1/32 and 1/16, the published anchors
/// scaled to the input's size. At width 1 the published weights fit.
std::string TinyYoloV3(double width, int input_size, int classes);

/// SSDLite (Sandler 2018, section 6.2) on MobileNetV2: six grids from 1/16 of the picture on.
/// "backbone.features.N" are MobileNetV2's weights under torchvision's names. Stages: those of
/// MobileNetV2, then the extra layers and the heads.
LayerGraph MakeSsdLiteMobileNetV2(double width, int classes);

}  // namespace ekya::models
