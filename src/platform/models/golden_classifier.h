#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/models/model.h"

namespace ekya::models {

struct GoldenClassifierOptions {
  /// Classes to tell apart, renumbered in this order; the others' scores do not count. Empty: all.
  std::vector<std::string> keep;
  /// Subtracted from each channel of RGB 0..1, then divided by: ImageNet's, as public models
  /// expect.
  std::array<double, 3> mean = {0.485, 0.456, 0.406};
  std::array<double, 3> deviation = {0.229, 0.224, 0.225};
};

/// An expensive classifier that an operator installed, through OpenCV DNN: an ONNX file that takes
/// RGB pictures, normalised as `options` say, and gives a logit for each of `names`. The regions of
/// a frame are cut out and resized to its input; `score` is the softmax over the classes told
/// apart.
///
/// Analyze takes another `input_size` only where the file leaves its own open, which then is 224.
/// kNotFound and kInvalid name the file; the network is tried once, as OpenDetector does.
Result<std::unique_ptr<Model>> OpenGoldenClassifier(const std::filesystem::path& network,
                                                    const std::vector<std::string>& names,
                                                    const GoldenClassifierOptions& options);

}  // namespace ekya::models
