#include "platform/models/network.h"

#include <cmath>

namespace ekya::models {

torch::Tensor Network::ForwardFrozen(torch::Tensor images) {
  const torch::NoGradGuard no_grad;
  for (int stage = 0; stage < frozen_; ++stage) images = RunStage(stage, std::move(images));
  return images;
}

torch::Tensor Network::ForwardTrained(torch::Tensor features) {
  for (int stage = frozen_; stage < stages(); ++stage) {
    features = RunStage(stage, std::move(features));
  }
  return features;
}

torch::Tensor Network::Forward(torch::Tensor images) {
  return ForwardTrained(ForwardFrozen(std::move(images)));
}

void Network::SetTrainedStages(int trained) {
  EKYA_CHECK(trained >= 0 && trained <= stages());
  frozen_ = stages() - trained;
  for (int stage = 0; stage < stages(); ++stage) {
    for (auto* module : StageModules(stage)) {
      module->train(stage >= frozen_);
      for (auto& parameter : module->parameters()) parameter.set_requires_grad(stage >= frozen_);
    }
  }
}

void InitialiseModule(torch::nn::Module& module, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  module.apply([&](torch::nn::Module& layer) {
    if (auto* convolution = layer.as<torch::nn::Conv2d>()) {
      const auto& weight = convolution->weight;
      const double fan_out = static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3));
      convolution->weight.normal_(0, std::sqrt(2 / fan_out), generator);
    } else if (auto* linear = layer.as<torch::nn::Linear>()) {
      const double bound = 1 / std::sqrt(static_cast<double>(linear->weight.size(1)));
      linear->weight.uniform_(-bound, bound, generator);
      linear->bias.uniform_(-bound, bound, generator);
    }
  });
}

void Network::Initialise(at::Generator generator) { InitialiseModule(*this, generator); }

void Network::CopyFrom(const Network& other) {
  const torch::NoGradGuard no_grad;
  const auto copy = [](auto targets, const auto& sources) {
    EKYA_CHECK(targets.size() == sources.size());
    for (const auto& source : sources) targets[source.key()].copy_(source.value());
  };
  copy(named_parameters(), other.named_parameters());
  copy(named_buffers(), other.named_buffers());
}

}  // namespace ekya::models
