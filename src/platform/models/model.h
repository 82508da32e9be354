#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"

namespace ekya::models {

/// What a stream serves, or what labels it: turns a frame into results.
class Model {
 public:
  virtual ~Model() = default;

  /// The names behind the class indices of its results.
  virtual const std::vector<std::string>& classes() const = 0;

  /// A classifier: one Detection per region of the frame, in order, with the region's box. A
  /// detector: what it finds in the picture. `input_size`: side of the square network input in
  /// pixels; 0: the model's own. One thread at a time. kFailed where the engine fails.
  virtual Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) = 0;
};

/// A model and the number it is known by in events and reports.
struct ServedModel {
  std::int64_t version = 0;
  std::shared_ptr<Model> model;  ///< Null: nothing is served yet.
};

/// What a stream serves at the moment. Changing it takes effect between two frames and drops none:
/// a frame in work keeps the old model alive until it is done. Any thread.
class ModelSlot {
 public:
  ServedModel Get() const {
    std::lock_guard lock(mutex_);
    return served_;
  }
  void Put(ServedModel model) {
    std::lock_guard lock(mutex_);
    std::swap(served_, model);
  }

 private:
  mutable std::mutex mutex_;
  ServedModel served_;  // guarded by mutex_
};

}  // namespace ekya::models
