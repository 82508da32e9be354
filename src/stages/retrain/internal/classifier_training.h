#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "core/configuration.h"
#include "platform/models/torch_classifier.h"
#include "stages/retrain/internal/epoch_loop.h"
#include "stages/retrain/internal/pool.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain::internal {

/// What a classifier learns from: its samples at the network's input size, what frozen stages make
/// of them, the teacher's answers, and the loss of a minibatch. All but the samples lies where the
/// model does.
///
/// Stages that do not train give the same for the same picture, so they compute once; as do the
/// stages before the head for the held-out samples. Augmentation wants another picture each time:
/// the compromise is kVariants augmented variants of each picture, of which an epoch takes one. So
/// training the head alone costs a few passes over the samples instead of one per epoch, at nearly
/// the variety. Where features would take more than kMostFeatureBytes, there are fewer variants;
/// where not even one fits, nothing is kept and every epoch computes every stage.
class ClassifierTraining {
 public:
  /// `teacher` may be `model` itself, before any step: then it costs nothing where stages are
  /// frozen. All outlive it.
  ClassifierTraining(models::TorchClassifier* model, models::TorchClassifier* teacher,
                     const TrainingSet& set, const RetrainingConfiguration& configuration,
                     std::uint64_t seed);

  EpochLoop& loop() { return loop_; }
  torch::Tensor Loss(const std::vector<std::size_t>& places);
  /// A number that stands for all that is learned from.
  std::uint64_t Digest() const;
  /// The model's accuracy on the held-out samples; 0 where there are none.
  double Measure();

 private:
  /// Chooses what is replayed; gives the loss's weights.
  void Balance(const TrainingSet& set);
  void KeepFeatures(std::uint64_t seed);
  /// The answers of `teacher` for the whole pool, and where they are right.
  void AskTeacher(models::TorchClassifier& teacher);
  torch::Tensor Labels(const std::vector<std::size_t>& places) const;
  /// Whole numbers, one a row, where the model lies.
  template <typename NumberAt>
  torch::Tensor Numbers(std::size_t count, NumberAt number_at) const;
  const torch::Device& device() const { return model_.network().device(); }

  models::TorchClassifier& model_;
  const RetrainingConfiguration& configuration_;
  const Augmentation augmentation_;
  EpochLoop loop_;
  Pool pool_;  // by place
  Pool held_out_;
  torch::Tensor class_weights_;
  int variants_ = 0;                 // of each picture's features; 0: they are not kept
  torch::Tensor features_;           // place by place, a place's variants together
  torch::Tensor held_out_features_;  // undefined where they are not kept
  torch::Tensor teacher_;            // the logarithms of its softened answers, one row per place
  torch::Tensor teacher_right_;      // 1 where it was right, by place
};

/// As FeaturesOf.
std::vector<std::vector<float>> FeatureRows(models::TorchClassifier& model,
                                            const std::vector<Sample>& samples);

}  // namespace ekya::retrain::internal
