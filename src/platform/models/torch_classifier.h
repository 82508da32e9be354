#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/models/classifier.h"
#include "platform/models/engine.h"
#include "platform/models/network.h"
#include "platform/models/torch_device.h"

namespace ekya::models {

/// The calling thread computes with one LibTorch thread from now on: two OpenMP threads on a busy
/// box are slower than one by a factor of ten or more. Cheap to call again.
void ComputeWithOneThread();

/// A random source of LibTorch's that depends on `seed` alone and is shared with nobody.
at::Generator MakeGenerator(std::uint64_t seed);

/// `images`, each already input size square, as N x 3 x S x S floats that `device` is to read.
torch::Tensor ToTensor(const std::vector<const Image*>& images,
                       const torch::Device& device = torch::kCPU);

/// The Classifier that LibTorch computes; what training opens up.
class TorchClassifier final : public Classifier {
 public:
  TorchClassifier(ClassifierShape shape, std::shared_ptr<Network> network)
      : shape_(std::move(shape)), network_(std::move(network)) {}

  Network& network() { return *network_; }
  /// A fresh head with `last_hidden` neurons before the last layer.
  void RemakeHead(int last_hidden, std::uint64_t seed);

  const std::vector<std::string>& classes() const override { return shape_.classes; }
  Result<std::vector<Detection>> Analyze(const Frame& frame, int input_size) override;
  Status Save(const std::filesystem::path& path) const override;
  std::unique_ptr<Classifier> Clone() const override;
  Result<std::unique_ptr<Classifier>> Grown(const std::vector<std::string>& classes) const override;
  void SetTrainingPrecision(Precision precision) override {
    network_->SetTrainingPrecision(precision);
  }
  std::string ToOnnx() const override;
  Result<std::unique_ptr<Engine>> ToServingEngine(ServingPrecision precision) const override;
  const ClassifierShape& shape() const override { return shape_; }
  std::int64_t parameters() const override;
  Device device() const override { return DeviceOf(network_->device()); }
  Status MoveTo(const Device& device) override { return models::MoveTo(device, network_.get()); }
  Result<std::vector<Detection>> Classify(const std::vector<const Image*>& crops,
                                          int input_size) override;

 private:
  /// As Classify, of crops that have the input size already.
  Status ClassifySquare(const std::vector<const Image*>& crops, std::vector<Detection>* results);

  ClassifierShape shape_;
  std::shared_ptr<Network> network_;
};

}  // namespace ekya::models
