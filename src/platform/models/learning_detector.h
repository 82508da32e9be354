#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/models/learning_model.h"

namespace ekya::models {

/// Everything that fixes a detector's layers.
struct DetectorShape {
  /// "tiny-yolov3", "ssdlite-mobilenetv2", or "darknet": what `darknet` describes.
  std::string architecture = "tiny-yolov3";
  double width = 1;      ///< Multiplies the channels of every layer; a Darknet file has its own.
  int input_size = 416;  ///< Side of the square input, pixels: a multiple of 32.
  std::vector<std::string> classes;
  std::string darknet;  ///< The text of a *.cfg.
};

/// A small trainable detector (LibTorch behind a torch-free face). Threads as for Classifier.
class LearningDetector : public LearningModel {
 public:
  /// Fresh weights from `seed`. kInvalid for an unknown architecture or a senseless shape.
  static Result<std::unique_ptr<LearningDetector>> Create(const DetectorShape& shape,
                                                          std::uint64_t seed);
  /// Reads what Save wrote. Errors name file, tensor, found and expected.
  static Result<std::unique_ptr<LearningDetector>> Load(const std::filesystem::path& path);
  /// Public weights: `configuration` (*.cfg) and the *.weights beside it, trained on `names` in
  /// their order. `keep`: classes to go on with, in this order; empty: all.
  static Result<std::unique_ptr<LearningDetector>> LoadDarknet(
      const std::filesystem::path& configuration, const std::vector<std::string>& names,
      const std::vector<std::string>& keep);

  virtual std::unique_ptr<LearningDetector> Clone() const = 0;
  /// A copy that knows `classes` too, after those it knows: the convolutions that give its scores
  /// have grown. Its boxes, and what it says of the old classes, are what they were; the new ones
  /// are unlikely until it is trained. YOLO scores each class by itself, so that old scores stay;
  /// SSD's are shares of one, of which the new classes take a little: old ones keep their ratios.
  /// kInvalid where a name is empty, of two lines, or known already.
  virtual Result<std::unique_ptr<LearningDetector>> Grown(
      const std::vector<std::string>& classes) const = 0;
  virtual const DetectorShape& shape() const = 0;

  /// From now on results below `score` are left out; at first 0.3. Overlapping ones of a class are
  /// suppressed from IoU 0.45 on. Not while another thread analyses. Saved and loaded.
  virtual void SetScoreThreshold(double score) = 0;
  virtual double score_threshold() const = 0;
};

}  // namespace ekya::models
