#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/learning/streams.h"
#include "base/result.h"
#include "core/configuration.h"
#include "core/site.h"
#include "decide/profile/belief.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/datasets/picture_memory.h"
#include "platform/models/classifier.h"
#include "platform/models/learning_detector.h"
#include "platform/models/precision.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"

namespace ekya::learning {

/// What one training came to, whatever the model sees.
template <typename Model>
struct TrainedModel {
  std::unique_ptr<Model> model;
  int samples_per_epoch = 0;
  double once_cpu_seconds = 0;  ///< Before the first epoch.
  double start_accuracy = 0;    ///< Of what it started from, on what was held out.
};

/// What a recording needs to know of its models and of what they learn from. A classifier's: crops
/// of objects, each of one class. Another task gives the same names another meaning.
struct ClassifyingTask {
  using Item = Sample;
  using Model = models::Classifier;
  using Memory = datasets::ExemplarMemory;
  using Set = retrain::TrainingSet;

  /// Mixes everything that a training takes from `item` into `hash`.
  static std::uint64_t Hash(const Item& item, std::uint64_t hash);
  /// The model of `settings.path`, or one with fresh weights from `seed`. kInvalid where a file's
  /// model knows other `classes`.
  static Result<std::unique_ptr<Model>> Create(const ModelSettings& settings,
                                               const std::vector<std::string>& classes,
                                               models::Precision precision, std::uint64_t seed);
  /// Reads what its Save wrote.
  static Result<std::unique_ptr<Model>> Load(const std::filesystem::path& file,
                                             models::Precision precision);
  static Set Split(std::vector<Item> items, double held_out_fraction, std::vector<Item> exemplars);
  static Result<TrainedModel<Model>> Train(const Model& base, const Set& set,
                                           const RetrainingConfiguration& configuration,
                                           std::uint64_t seed, const retrain::TrainingHooks& hooks);
  /// Makes a retrained `model` ready to serve by what `held_out` shows; its accuracy there.
  static Result<double> Settle(Model& model, const std::vector<Item>& held_out);
  static Result<double> Measure(Model& model, const std::vector<Item>& items);
  /// How many observations an accuracy on `items` rests on.
  static int Objects(const std::vector<Item>& items);
  /// What `model` shows of each stretch of `items` (in order of time): of those from place cuts[i]
  /// to before cuts[i + 1]. `labelled`: places whose labels are known, ascending.
  static Result<std::vector<profile::Sight>> SightsOf(Model& model, const std::vector<Item>& items,
                                                      const std::vector<std::size_t>& labelled,
                                                      const std::vector<std::size_t>& cuts,
                                                      double window_seconds);
};

/// A detector's: whole pictures with the objects that they show. Accuracy is F1 at IoU 0.3; what
/// it rests on are the objects. Scores say nothing here of frames that nobody labelled: they tell
/// nothing of what was missed. Training is in float32.
struct DetectingTask {
  using Item = LabelledPicture;
  using Model = models::LearningDetector;
  using Memory = datasets::PictureMemory;
  using Set = retrain::DetectorTrainingSet;

  static std::uint64_t Hash(const Item& item, std::uint64_t hash);
  /// `settings.path` may also be a Darknet *.cfg with its *.weights beside it.
  static Result<std::unique_ptr<Model>> Create(const ModelSettings& settings,
                                               const std::vector<std::string>& classes,
                                               models::Precision precision, std::uint64_t seed);
  static Result<std::unique_ptr<Model>> Load(const std::filesystem::path& file,
                                             models::Precision precision);
  static Set Split(std::vector<Item> items, double held_out_fraction, std::vector<Item> exemplars);
  static Result<TrainedModel<Model>> Train(const Model& base, const Set& set,
                                           const RetrainingConfiguration& configuration,
                                           std::uint64_t seed, const retrain::TrainingHooks& hooks);
  /// Sets the score threshold to the best one for `held_out`; keeps it where that is empty.
  static Result<double> Settle(Model& model, const std::vector<Item>& held_out);
  static Result<double> Measure(Model& model, const std::vector<Item>& items);
  static int Objects(const std::vector<Item>& items);
  static Result<std::vector<profile::Sight>> SightsOf(Model& model, const std::vector<Item>& items,
                                                      const std::vector<std::size_t>& labelled,
                                                      const std::vector<std::size_t>& cuts,
                                                      double window_seconds);
};

}  // namespace ekya::learning
