#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "apps/learning/experiments.h"
#include "apps/learning/streams.h"

namespace ekya::learning {

/// A way to learn from window to window.
struct ContinualMethod {
  const char* name;     ///< In figures and files.
  const char* title;    ///< For readers.
  bool replays;         ///< Keeps exemplars and trains on them too.
  bool herds;           ///< Chooses them by herding; else at random.
  bool balanced;        ///< As RetrainingConfiguration's.
  double distillation;  ///< As RetrainingConfiguration's.
  int epochs;           ///< Of every window after the first.
};

/// Fine-tuning, plain replay and ours, with so many epochs that they take equal device seconds: an
/// epoch with exemplars has twice the samples, and ours also asks a teacher and herds.
const std::vector<ContinualMethod>& ContinualMethods();

/// What one method came to on one stream. Accuracies are those on the test samples of a window,
/// each class counting the same, by the model that has just been trained on that window.
struct ContinualCourse {
  std::vector<double> accuracy;                 ///< After each window.
  std::vector<std::map<int, double>> of_class;  ///< After each window, by class in order of coming.
  std::vector<double> device_seconds;  ///< Of each window: training and choosing exemplars.

  double MeanAccuracy() const;
  double DeviceSeconds() const;
  /// Mean over the classes of earlier windows: the best accuracy after one of them less the one
  /// after the last (Chaudhry 2018).
  double Forgetting() const;
};

/// Learns `stream`, window after window; a model's last layer grows when a class comes. The judged
/// samples (`test`) reach nothing but the judging.
Result<ContinualCourse> LearnContinually(const SampleStream& stream, const ContinualMethod& method,
                                         std::uint64_t seed);

/// `ekya experiment continual`: a stream whose classes come one after the other while its light
/// fails, made of CIFAR-10's pictures, learned by each method. Figures: accuracy_M and forgetting_M
/// for M of finetune, replay and ours, means over seeds.
Status RunContinual(const ExperimentRequest& request);

}  // namespace ekya::learning
