#include "stages/retrain/internal/momentum_sgd.h"

#include <torch/torch.h>

#include <algorithm>

namespace ekya::retrain::internal {
namespace {

constexpr double kMomentum = 0.9;
constexpr double kWeightDecay = 5e-4;
// A gradient is shortened to this length: one odd minibatch does not throw a small model away.
constexpr double kLongestGradient = 5;
constexpr double kLargestWeight = 1e6;

}  // namespace

MomentumSgd::MomentumSgd(std::vector<torch::Tensor> parameters) {
  const torch::NoGradGuard no_grad;
  const auto decays = [](const torch::Tensor& parameter) { return parameter.dim() > 1; };
  std::stable_partition(parameters.begin(), parameters.end(), decays);
  std::int64_t decaying = 0;
  std::int64_t count = 0;
  for (const auto& parameter : parameters) {
    count += parameter.numel();
    if (decays(parameter)) decaying = count;
  }
  weights_ = torch::empty({count});
  gradients_ = torch::zeros({count});
  velocity_ = torch::zeros({count});
  std::int64_t offset = 0;
  for (auto& parameter : parameters) {
    const auto place = weights_.narrow(0, offset, parameter.numel()).view(parameter.sizes());
    place.copy_(parameter);
    parameter.set_data(place);
    // Backward adds to a gradient that is there in place.
    parameter.mutable_grad() =
        gradients_.narrow(0, offset, parameter.numel()).view(parameter.sizes());
    offset += parameter.numel();
  }
  decayed_weights_ = weights_.narrow(0, 0, decaying);
  decayed_gradients_ = gradients_.narrow(0, 0, decaying);
}

void MomentumSgd::Step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  const double length = gradients_.norm().item<double>();
  if (length > kLongestGradient) gradients_.mul_(kLongestGradient / length);
  decayed_gradients_.add_(decayed_weights_, kWeightDecay);
  velocity_.mul_(kMomentum).add_(gradients_);
  weights_.add_(velocity_, -learning_rate);
  gradients_.zero_();
}

bool MomentumSgd::WeightsBounded() const {
  const torch::NoGradGuard no_grad;
  return weights_.abs().le(kLargestWeight).all().item<bool>();  // false of NaN
}

}  // namespace ekya::retrain::internal
