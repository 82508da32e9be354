#include "stages/retrain/internal/momentum_sgd.h"

#include <torch/torch.h>

#include <algorithm>

#include "base/check.h"

namespace ekya::retrain::internal {
namespace {

constexpr double kMomentum = 0.9;
constexpr double kWeightDecay = 5e-4;
// A gradient is shortened to this length: one odd minibatch does not throw a small model away.
constexpr double kLongestGradient = 5;
constexpr double kLargestWeight = 1e6;

/// What Step does to `count` numbers, in one pass: a large network's do not fit into the cache.
void StepNumbers(float* __restrict weights, float* __restrict gradients, float* __restrict velocity,
                 std::int64_t count, float shortened, float decay, float rate) {
  for (std::int64_t i = 0; i < count; ++i) {
    velocity[i] =
        static_cast<float>(kMomentum) * velocity[i] + shortened * gradients[i] + decay * weights[i];
    weights[i] -= rate * velocity[i];
    gradients[i] = 0;
  }
}

}  // namespace

MomentumSgd::MomentumSgd(std::vector<torch::Tensor> parameters) {
  const torch::NoGradGuard no_grad;
  EKYA_CHECK(!parameters.empty());
  const auto decays = [](const torch::Tensor& parameter) { return parameter.dim() > 1; };
  std::stable_partition(parameters.begin(), parameters.end(), decays);
  std::int64_t decaying = 0;
  std::int64_t count = 0;
  for (const auto& parameter : parameters) {
    count += parameter.numel();
    if (decays(parameter)) decaying = count;
  }
  const auto numbers = torch::TensorOptions(parameters.front().device());
  weights_ = torch::empty({count}, numbers);
  gradients_ = torch::zeros({count}, numbers);
  velocity_ = torch::zeros({count}, numbers);
  std::int64_t offset = 0;
  for (auto& parameter : parameters) {
    // In the order in memory that the parameter has.
    const auto view = [&](const torch::Tensor& flat) {
      return flat.as_strided(parameter.sizes(), parameter.strides(), offset);
    };
    const auto place = view(weights_);
    place.copy_(parameter);
    parameter.set_data(place);
    // Backward adds to a gradient that is there in place.
    parameter.mutable_grad() = view(gradients_);
    offset += parameter.numel();
  }
  decayed_weights_ = weights_.narrow(0, 0, decaying);
  decayed_gradients_ = gradients_.narrow(0, 0, decaying);
}

void MomentumSgd::Step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  if (gradients_.is_cpu()) {
    const double length = gradients_.norm().item<double>();
    const double shortened = length > kLongestGradient ? kLongestGradient / length : 1;
    const std::int64_t decaying = decayed_weights_.numel();
    const auto step = [&](std::int64_t begin, std::int64_t end, double decay) {
      StepNumbers(weights_.data_ptr<float>() + begin, gradients_.data_ptr<float>() + begin,
                  velocity_.data_ptr<float>() + begin, end - begin, static_cast<float>(shortened),
                  static_cast<float>(decay), static_cast<float>(learning_rate));
    };
    step(0, decaying, kWeightDecay);
    step(decaying, weights_.numel(), 0);
    return;
  }
  // The length stays where it is: to read it would be to wait for it.
  gradients_.mul_((kLongestGradient / gradients_.norm()).clamp_max(1));
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
