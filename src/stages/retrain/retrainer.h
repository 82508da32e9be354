#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "platform/models/classifier.h"

namespace ekya::retrain {

/// What one training is made of. Samples are copied into the job's own tensors at its start.
struct TrainingSet {
  std::vector<Sample> training;   ///< Of past windows, labelled.
  std::vector<Sample> exemplars;  ///< Replayed with them; old classes keep their place.
  std::vector<Sample> held_out;   ///< Later in time than `training`; measured on, never trained on.
  /// Names of the labels after those that the base knows: its copy grows by these.
  std::vector<std::string> new_classes;
  /// The model whose answers are kept (`distillation`); null: the base. Knows as many classes at
  /// most, those first.
  const models::Classifier* teacher = nullptr;
};

/// Splits a window's samples by time: the last `held_out_fraction` (whole frames, at least one
/// sample on either side where there are two) are held out.
TrainingSet SplitByTime(std::vector<Sample> samples, double held_out_fraction,
                        std::vector<Sample> exemplars);

struct TrainingProgress {
  int epoch = 0;                 ///< Epochs done.
  double epoch_cpu_seconds = 0;  ///< Of the last one, without the measuring.
  double accuracy = 0;           ///< On the held-out samples after it.
};

/// How a caller stays in control of a training that runs in its thread.
struct TrainingHooks {
  /// Between two minibatches: may block (pacing); false cancels.
  std::function<bool()> checkpoint = [] { return true; };
  /// After every epoch; false stops early and keeps the model so far.
  /// An epoch that `state_file` remembers is told of again.
  std::function<bool(const TrainingProgress&)> epoch = [](const TrainingProgress&) { return true; };
  /// Where the state after each epoch is kept, replaced atomically: a training that was killed goes
  /// on from there, and becomes what it would have become. A file of another training (other base,
  /// samples, configuration or seed), or a damaged one, is discarded with a warning. Whoever named
  /// it removes it when the training is done. Empty: nothing is kept.
  std::filesystem::path state_file = {};
  /// Early stop: after this many epochs without a better accuracy on the held-out samples one last
  /// epoch is trained, at the falling end of the learning rate's cycle, and no more. 0: never.
  /// Without held-out samples nothing tells, and every epoch is trained.
  int patience = 0;
};

struct TrainingOutcome {
  std::unique_ptr<models::Classifier> model;
  std::vector<double> accuracy;  ///< On the held-out samples after each epoch.
  double start_accuracy = 0;     ///< Of `base` on them.
  int samples_per_epoch = 0;
  /// Of `cpu_seconds`, what was computed once before the first epoch: the features of frozen stages
  /// and the teacher's answers. Grows with the samples, not with the epochs.
  double once_cpu_seconds = 0;
  double cpu_seconds = 0;  ///< Of the calling thread, all told.
};

/// kInvalid where a value of `configuration` makes no sense; names it, found and expected.
Status CheckConfiguration(const RetrainingConfiguration& configuration);

/// Trains a copy of `base` under `configuration` in the calling thread, on the device that `base`
/// lies on: SGD with momentum and a one-cycle learning rate, cross-entropy balanced over classes,
/// exemplars replayed, the teacher's answers kept, layers frozen as `trained_stages` says. What
/// frozen layers give is computed once; augmentation then chooses between a few variants of each
/// picture. kInvalid: no training sample. kFailed: a NaN loss (names epoch and minibatch).
/// kCancelled: `checkpoint` said so. Same seed, same model (on a CUDA device: nearly, since its
/// sums have no fixed order).
Result<TrainingOutcome> Train(const models::Classifier& base, const TrainingSet& set,
                              const RetrainingConfiguration& configuration, std::uint64_t seed,
                              const TrainingHooks& hooks);

/// What `model` makes of each sample before its last stage, averaged over the picture: in these
/// numbers pictures are alike that look alike to the model.
Result<std::vector<std::vector<float>>> FeaturesOf(models::Classifier& model,
                                                   const std::vector<Sample>& samples);

/// Fraction of `samples` that `model` gets right, 0..1; 0 samples: 0.
Result<double> MeasureAccuracy(models::Classifier& model, const std::vector<Sample>& samples);

}  // namespace ekya::retrain
