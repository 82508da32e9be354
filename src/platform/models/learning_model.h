#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "platform/models/model.h"

namespace ekya::models {

/// A model whose weights are trained here, whatever it sees: Classifier, LearningDetector.
class LearningModel : public Model {
 public:
  /// Weights and shape as safetensors (the shape in `__metadata__`), written atomically.
  virtual Status Save(const std::filesystem::path& path) const = 0;
  /// How many numbers it learns.
  virtual std::int64_t parameters() const = 0;
};

}  // namespace ekya::models
