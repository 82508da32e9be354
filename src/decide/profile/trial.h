#pragma once

#include <vector>

#include "core/configuration.h"
#include "core/situation.h"

namespace ekya::profile {

/// A short training of one retraining configuration, made to learn what the whole would give.
struct Trial {
  RetrainingConfiguration configuration;
  double sample_fraction = 0.1;  ///< Uniform part of the window's training samples.
  int epochs = 5;                ///< Largest number of epochs; a runner stops early on a plateau.
};

/// What a trial measured. Accuracies are on held-out samples of past or current training data,
/// split by time, never on samples that the result is judged by (paper, section 4.3).
struct TrialResult {
  std::vector<double> accuracy;  ///< After epoch 1, 2, ...; 0..1.
  double start_accuracy = 0;     ///< Of the model before training, on the same held-out samples.
  int held_out = 0;              ///< Number of held-out samples: gives the estimate's spread.
  int trial_samples = 0;         ///< Samples per epoch of the trial.
  int full_samples = 0;  ///< Samples per epoch of the trial's configuration, trained in full.
  double device_seconds_per_epoch = 0;  ///< Measured, of the trial, at a whole device.
  double device_seconds_once = 0;       ///< Measured, before its first epoch, for its samples.
  double device_seconds = 0;            ///< All that the trial took, at a whole device.
  /// The trial's model waits: a retraining that it speaks for goes on from it.
  bool resumable = false;
};

/// Whether `trial` tells about `configuration`: they differ in nothing but how long, and on how
/// much, they train.
bool SpeaksFor(const Trial& trial, const RetrainingConfiguration& configuration);

/// The epochs that `configuration` has left after `epochs_done` of `trial`, which trained on a part
/// of the samples: 0 to all of them.
double EpochsLeft(const RetrainingConfiguration& configuration, const Trial& trial,
                  int epochs_done);

/// `result` with the accuracies that its few held-out samples make likely: half a sample of either
/// outcome is added to them (Jeffreys' prior). A model that was right every time is not
/// perfect, and one that replaces it is not worth nothing. Without held-out samples as it is.
TrialResult Likely(TrialResult result);

/// The accuracy to expect where a model of `estimate`'s accuracy, off by its spread (normally
/// distributed), is only taken into service when it is better than the served one: at least
/// `served`, and more the less is known. What nobody has tried is thus worth trying.
double ExpectedBehindGate(const RetrainingProfile& estimate, double served);

/// Whether a trial that measured `accuracy` after its epochs so far is worth another epoch. Stops
/// on a plateau (two epochs that together bring less than half a point over the best before), at an
/// accuracy with nothing left to learn, and at one that is not a number.
bool KeepTraining(const std::vector<double>& accuracy);

}  // namespace ekya::profile
