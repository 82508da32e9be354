#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/models/detection_head.h"
#include "platform/models/learning_detector.h"
#include "platform/models/network.h"
#include "platform/models/torch_device.h"

namespace ekya::models {

/// The LearningDetector that LibTorch computes; what training opens up.
class TorchDetector final : public LearningDetector {
 public:
  TorchDetector(DetectorShape shape, std::shared_ptr<Network> network,
                std::unique_ptr<DetectionHead> head, bool normalised)
      : shape_(std::move(shape)),
        network_(std::move(network)),
        head_(std::move(head)),
        normalised_(normalised) {}

  Network& network() { return *network_; }
  const DetectionHead& head() const { return *head_; }
  /// Writes `image`, which is square, as 3 x S x S floats as the network takes them.
  void WritePicture(const Image& image, float* out) const;

  const std::vector<std::string>& classes() const override { return shape_.classes; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override;
  Status Save(const std::filesystem::path& path) const override;
  std::unique_ptr<LearningDetector> Clone() const override;
  Result<std::unique_ptr<LearningDetector>> Grown(
      const std::vector<std::string>& classes) const override;
  const DetectorShape& shape() const override { return shape_; }
  std::int64_t parameters() const override;
  Device device() const override { return DeviceOf(network_->device()); }
  Status MoveTo(const Device& device) override { return models::MoveTo(device, network_.get()); }
  void SetScoreThreshold(double score) override { score_threshold_ = score; }
  double score_threshold() const override { return score_threshold_; }
  /// What a network makes of 1 x 3 x S x S pictures: its outputs.
  using Compute = std::function<Result<std::vector<torch::Tensor>>(torch::Tensor)>;
  /// Analyze, with `compute` in the network's place.
  Result<std::vector<Detection>> AnalyzeWith(const Frame& frame, int input_size,
                                             const Compute& compute) const;

 private:
  DetectorShape shape_;
  std::shared_ptr<Network> network_;
  std::unique_ptr<DetectionHead> head_;
  bool normalised_;  // as ImageNet's; else 0..1
  double score_threshold_ = 0.3;
};

}  // namespace ekya::models
