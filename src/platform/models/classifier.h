#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "platform/models/learning_model.h"
#include "platform/models/precision.h"
#include "platform/models/serving_precision.h"

namespace ekya::models {

class Engine;

/// Everything that fixes a classifier's layers.
struct ClassifierShape {
  std::string architecture = "resnet18";
  double width = 1;     ///< Multiplies the channels of every layer (at least 1 channel stays).
  int input_size = 32;  ///< Side of the square input, pixels. Up to 64: 3x3 stem without pooling.
  int last_hidden = 0;  ///< Neurons of a hidden layer before the last; 0: none.
  std::vector<std::string> classes;
};

/// Most neurons of a hidden layer before the last.
inline constexpr int kLargestHidden = 8192;

/// A small trainable classifier (LibTorch behind a torch-free face). Copies are deep: Clone.
/// Any number of threads may use one object at once, as long as none trains it; each call computes
/// in the calling thread alone.
class Classifier : public LearningModel {
 public:
  /// Fresh weights from `seed`. kInvalid for an unknown architecture or a senseless shape.
  static Result<std::unique_ptr<Classifier>> Create(const ClassifierShape& shape,
                                                    std::uint64_t seed);
  /// Reads what Save wrote. Errors name file, tensor, found and expected.
  static Result<std::unique_ptr<Classifier>> Load(const std::filesystem::path& path);

  virtual std::unique_ptr<Classifier> Clone() const = 0;
  /// A copy that knows `classes` too, after those it knows: its last layer has grown. For the old
  /// ones it computes what it computed; the new ones are the less likely until it is trained.
  /// kInvalid where a name is empty, of two lines, or known already.
  virtual Result<std::unique_ptr<Classifier>> Grown(
      const std::vector<std::string>& classes) const = 0;
  /// What its training, and that of its copies, computes with; it serves in float32 all the same.
  virtual void SetTrainingPrecision(Precision precision) = 0;
  /// An ONNX model that computes the same: see ExportOnnx.
  virtual std::string ToOnnx() const = 0;
  /// What serves it, where it lies: see OpenServingEngine.
  virtual Result<std::unique_ptr<Engine>> ToServingEngine(ServingPrecision precision) const = 0;
  virtual const ClassifierShape& shape() const = 0;

  /// The most likely class of each crop, with its softmax score. `input_size` as for Analyze.
  virtual Result<std::vector<Detection>> Classify(const std::vector<const Image*>& crops,
                                                  int input_size) = 0;
};

/// kInvalid where no classifier takes pictures of `input_size` pixels.
Status CheckInputSize(int input_size);

/// Normalised values of the 256 brightness levels of one colour channel (0 red .. 2 blue), with
/// ImageNet's means and deviations, so that public weights fit.
const float* NormalisedLevels(int channel);

/// `image` cut to `box` (clamped to the picture) and resized to `size` x `size`, bilinear with
/// averaging where it shrinks.
Image CropAndResize(const Image& image, const Box& box, int size);

/// The same picture, normalised, as three planes of `size` x `size` floats at `planes`.
void CropToPlanes(const Image& image, const Box& box, int size, float* planes);

}  // namespace ekya::models
