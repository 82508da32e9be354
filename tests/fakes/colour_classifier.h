#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/models/classifier.h"
#include "platform/models/compute_device.h"
#include "platform/models/engine.h"

namespace ekya::models {

/// Stands in for the network of LibTorch where that cannot be: knows of each class the mean colour
/// of its pictures, and answers with the nearest. It learns by gradient steps as a network does,
/// forgets as one does, and takes its time over every pixel.
class ColourClassifier final : public Classifier {
 public:
  using Colour = std::array<float, 3>;

  explicit ColourClassifier(ClassifierShape shape)
      : shape_(std::move(shape)), colours_(shape_.classes.size(), Colour{0.5F, 0.5F, 0.5F}) {}

  const std::vector<std::string>& classes() const override { return shape_.classes; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override;
  Status Save(const std::filesystem::path& path) const override;
  std::unique_ptr<Classifier> Clone() const override;
  Result<std::unique_ptr<Classifier>> Grown(const std::vector<std::string>& classes) const override;
  void SetTrainingPrecision(Precision) override {}
  std::string ToOnnx() const override { return {}; }
  Result<std::unique_ptr<Engine>> ToServingEngine(ServingPrecision) const override {
    return Error{ErrorCode::kUnavailable, "served as it is"};
  }
  const ClassifierShape& shape() const override { return shape_; }
  std::int64_t parameters() const override {
    return 3 * static_cast<std::int64_t>(colours_.size());
  }
  Device device() const override { return {}; }
  Status MoveTo(const Device& device) override { return CheckDevice(device); }
  Result<std::vector<Detection>> Classify(const std::vector<const Image*>& crops,
                                          int input_size) override;

  /// Three of each class, one after the other.
  void SetColours(const std::vector<float>& numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i) colours_.at(i / 3).at(i % 3) = numbers[i];
  }
  /// Moves the colour of class `label` towards that of `image`; the squared distance before.
  float Learn(const Image& image, int label, float rate);

 private:
  ClassifierShape shape_;
  std::vector<Colour> colours_;
};

}  // namespace ekya::models
