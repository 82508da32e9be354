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
  double score_threshold = 0.3;   ///< A Darknet network itself drops what is below 0.2.
  double nms_threshold = 0.45;  ///< IoU above which the weaker of two boxes of a class is dropped.
};

/// A detector from public weights, through OpenCV DNN: `x.onnx` is YOLOX (letterboxed BGR 0..255;
/// output before grid decoding, strides 8, 16, 32), `x.cfg` a Darknet YOLO with its `x.weights`
/// beside it (stretched RGB 0..1). `names`: the classes it was trained on, in order. Boxes end at
/// the picture's edges; an object is reported with its likeliest class, and not at all where `keep`
/// leaves that one out.
///
/// Analyze takes an `input_size` that is a multiple of 32, a YOLOX file of a fixed size only its
/// own: kInvalid otherwise, and for a frame without a picture.
///
/// kNotFound and kInvalid name the file; a vendor's exception becomes kInvalid. The network is
/// tried once, so that files which do not fit together fail here. From the first call on OpenCV
/// computes with the calling thread alone, in the whole process.
Result<std::unique_ptr<Model>> OpenDetector(const std::filesystem::path& network,
                                            const std::vector<std::string>& names,
                                            const DetectorOptions& options);

/// The 80 COCO class names in their order.
const std::vector<std::string>& CocoNames();

}  // namespace ekya::models
