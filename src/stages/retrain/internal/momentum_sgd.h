#pragma once

#include <torch/torch.h>

#include <vector>

namespace ekya::retrain::internal {

/// Stochastic gradient descent with momentum and weight decay (of weights, not of biases and norms)
/// over one flat array that all parameters become views of: three operations a step instead of
/// three hundred small ones.
class MomentumSgd {
 public:
  /// `parameters`, at least one, take gradients; they and their gradients move into the flat
  /// arrays, on the device that they lie on.
  explicit MomentumSgd(std::vector<torch::Tensor> parameters);

  /// One step along the gathered gradients, which are then zero.
  void Step(double learning_rate);
  /// What is left of earlier steps: with the weights, all that a next step depends on.
  torch::Tensor& velocity() { return velocity_; }
  /// False where a weight is not finite, or so large that the next loss would not be.
  bool WeightsBounded() const;

 private:
  torch::Tensor weights_;
  torch::Tensor gradients_;
  torch::Tensor velocity_;
  torch::Tensor decayed_weights_;    // a view of weights_: those that decay
  torch::Tensor decayed_gradients_;  // a view of gradients_
};

}  // namespace ekya::retrain::internal
