#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/models/compute_device.h"
#include "platform/models/learning_detector.h"

namespace ekya::models {

/// Stands in for a detector of LibTorch or OpenCV: finds one thing of the first class in every
/// picture, at first in its middle. It learns where things are on average.
class MiddleDetector final : public LearningDetector {
 public:
  explicit MiddleDetector(DetectorShape shape) : shape_(std::move(shape)) {}

  const std::vector<std::string>& classes() const override { return shape_.classes; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override;
  Status Save(const std::filesystem::path& path) const override;
  std::unique_ptr<LearningDetector> Clone() const override {
    return std::make_unique<MiddleDetector>(*this);
  }
  Result<std::unique_ptr<LearningDetector>> Grown(
      const std::vector<std::string>& classes) const override;
  const DetectorShape& shape() const override { return shape_; }
  std::int64_t parameters() const override { return static_cast<std::int64_t>(place_.size()); }
  Device device() const override { return {}; }
  Status MoveTo(const Device& device) override { return CheckDevice(device); }
  void SetScoreThreshold(double score) override { score_threshold_ = score; }
  double score_threshold() const override { return score_threshold_; }

  /// Moves towards where `picture`'s objects are; the squared distance before.
  float Learn(const LabelledPicture& picture, float rate);
  void SetPlace(const std::vector<float>& place) {
    std::copy_n(place.begin(), place_.size(), place_.begin());
  }

 private:
  DetectorShape shape_;
  double score_threshold_ = 0;
  std::array<float, 4> place_ = {0.25F, 0.25F, 0.5F,
                                 0.5F};  // x, y, width, height: of the picture's
};

}  // namespace ekya::models
