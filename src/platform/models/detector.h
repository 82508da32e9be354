#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/model.h"

namespace ekya::models {

struct DetectorOptions {
  std::vector<std::string> keep;  ///< Classes to report, renumbered in this order; empty: all.
  double score_threshold = 0.3;
  double nms_threshold = 0.45;    ///< IoU above which the weaker of two boxes of a class is dropped.
};

/// A detector from public weights, through OpenCV DNN: `x.onnx` is YOLOX (letterboxed BGR 0..255),
/// `x.cfg` a Darknet YOLO with its `x.weights` beside it. `names`: the classes it was trained on, one
/// a line. kNotFound and kInvalid name the file; a vendor's exception becomes kInvalid.
Result<std::unique_ptr<Model>> OpenDetector(const std::filesystem::path& network,
                                            const std::vector<std::string>& names,
                                            const DetectorOptions& options);

/// The 80 COCO class names in their order.
const std::vector<std::string>& CocoNames();

}  // namespace ekya::models
