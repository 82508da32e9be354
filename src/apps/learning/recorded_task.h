#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "apps/learning/streams.h"
#include "base/result.h"
#include "core/configuration.h"
#include "decide/profile/belief.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/datasets/picture_memory.h"
#include "platform/models/classifier.h"
#include "platform/models/learning_detector.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"

/// What a recording does with its models and with what they learn from, for both kinds of them.
namespace ekya::learning {

/// A classifier learns from crops of objects, each of one class.
struct ClassifyingTask {
  using Item = Sample;
  using Model = models::Classifier;
  using Memory = datasets::ExemplarMemory;
  using Set = retrain::TrainingSet;
};

/// A detector learns from whole pictures with the objects that they show. Accuracy is F1 at IoU
/// 0.3; what it rests on are the objects. Training is in float32.
struct DetectingTask {
  using Item = LabelledPicture;
  using Model = models::LearningDetector;
  using Memory = datasets::PictureMemory;
  using Set = retrain::DetectorTrainingSet;
};

/// What one training came to.
template <typename Model>
struct TrainingResult {
  std::unique_ptr<Model> model;
  int samples_per_epoch = 0;
  double once_cpu_seconds = 0;  ///< Before the first epoch.
  double start_accuracy = 0;    ///< Of what it started from, on what was held out.
};

/// Mixes everything that a training takes from `item` into `hash`.
std::uint64_t HashOf(const Sample& item, std::uint64_t hash);
std::uint64_t HashOf(const LabelledPicture& item, std::uint64_t hash);

/// The last `held_out_fraction` of `items` in time is held out.
retrain::TrainingSet Split(std::vector<Sample> items, double held_out_fraction,
                           std::vector<Sample> exemplars);
retrain::DetectorTrainingSet Split(std::vector<LabelledPicture> items, double held_out_fraction,
                                   std::vector<LabelledPicture> exemplars);

/// Errors as retrain::Train.
Result<TrainingResult<models::Classifier>> Retrained(const models::Classifier& base,
                                                     const retrain::TrainingSet& set,
                                                     const RetrainingConfiguration& configuration,
                                                     std::uint64_t seed,
                                                     const retrain::TrainingHooks& hooks);
Result<TrainingResult<models::LearningDetector>> Retrained(
    const models::LearningDetector& base, const retrain::DetectorTrainingSet& set,
    const RetrainingConfiguration& configuration, std::uint64_t seed,
    const retrain::TrainingHooks& hooks);

/// Makes a retrained `model` ready to serve by what `held_out` shows; its accuracy there. A
/// detector's score threshold becomes the best one, and stays where `held_out` is empty.
Result<double> Settle(models::Classifier& model, const std::vector<Sample>& held_out);
Result<double> Settle(models::LearningDetector& model,
                      const std::vector<LabelledPicture>& held_out);

Result<double> Measure(models::Classifier& model, const std::vector<Sample>& items);
Result<double> Measure(models::LearningDetector& model, const std::vector<LabelledPicture>& items);

/// How many observations an accuracy on `items` rests on.
int Objects(const std::vector<Sample>& items);
int Objects(const std::vector<LabelledPicture>& items);

/// What `model` shows of each stretch of `items` (in order of time): of those from place cuts[i] to
/// before cuts[i + 1]. `labelled`: places whose labels are known, ascending. A detector's scores
/// say nothing of frames that nobody labelled: they tell nothing of what was missed.
Result<std::vector<profile::Sight>> SightsOf(models::Classifier& model,
                                             const std::vector<Sample>& items,
                                             const std::vector<std::size_t>& labelled,
                                             const std::vector<std::size_t>& cuts,
                                             double window_seconds);
Result<std::vector<profile::Sight>> SightsOf(models::LearningDetector& model,
                                             const std::vector<LabelledPicture>& items,
                                             const std::vector<std::size_t>& labelled,
                                             const std::vector<std::size_t>& cuts,
                                             double window_seconds);

}  // namespace ekya::learning
