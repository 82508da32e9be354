#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "core/device.h"
#include "platform/models/model.h"

namespace ekya::models {

/// A model whose weights are trained here, whatever it sees: Classifier, LearningDetector.
class LearningModel : public Model {
 public:
  /// Weights and shape as safetensors (the shape in `__metadata__`), written atomically.
  virtual Status Save(const std::filesystem::path& path) const = 0;
  /// How many numbers it learns.
  virtual std::int64_t parameters() const = 0;

  /// Where its weights lie, and where it computes and is trained; files are the same from
  /// everywhere. At first a processor (cpu:0 stands for all of them); of copies, the model's.
  virtual Device device() const = 0;
  /// From now on that is `device`. kUnavailable where LibTorch does not see it; kFailed where it
  /// cannot take the weights: they stay where they were. Not while another thread uses the model.
  virtual Status MoveTo(const Device& device) = 0;
};

}  // namespace ekya::models
