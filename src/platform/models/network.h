#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "base/result.h"
#include "platform/models/classifier.h"

namespace ekya::models {

/// A classification network cut into stages, of which the last ones train and the first ones may be
/// frozen. Its state-dict names are torchvision's. One thread trains it; while nobody does, it is
/// in evaluation mode and any number of threads may read it.
class Network : public torch::nn::Module {
 public:
  /// Stages from the input (0) to the head (stages() - 1).
  virtual int stages() const = 0;
  /// Replaces the head by a fresh one drawn from `generator`. `last_hidden`: neurons of a hidden
  /// layer before the last; 0: none.
  virtual void RemakeHead(int last_hidden, int classes, at::Generator generator) = 0;

  /// N x 3 x S x S normalised pictures to N x classes logits.
  torch::Tensor Forward(torch::Tensor images);
  /// The frozen stages, without gradient.
  torch::Tensor ForwardFrozen(torch::Tensor images);
  /// The trained stages, on what ForwardFrozen gave.
  torch::Tensor ForwardTrained(torch::Tensor features);

  /// From now on the last `trained` stages (0 .. stages()) train: their parameters take gradients
  /// and their batch norms learn. The others are frozen, batch norms in evaluation mode. 0:
  /// evaluation.
  void SetTrainedStages(int trained);

  /// Fresh weights, drawn from `generator`: He's normal for convolutions, uniform for linear
  /// layers.
  void Initialise(at::Generator generator);
  /// Takes the weights and statistics of `other`, whose shapes are the same.
  void CopyFrom(const Network& other);

 protected:
  virtual torch::Tensor RunStage(int stage, torch::Tensor input) = 0;
  virtual std::vector<torch::nn::Module*> StageModules(int stage) = 0;

 private:
  int frozen_ = 0;  // the first stages, without gradient
};

/// Draws the weights of one layer, or of all layers of a module.
void InitialiseModule(torch::nn::Module& module, at::Generator generator);

}  // namespace ekya::models
