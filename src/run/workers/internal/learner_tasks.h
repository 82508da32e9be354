#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "platform/datasets/exemplar_memory.h"
#include "platform/datasets/picture_memory.h"
#include "platform/models/classifier.h"
#include "platform/models/learning_detector.h"
#include "run/workers/learner.h"
#include "stages/labels/labeller.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"

/// What differs between what a classifier and what a detector learns from. Of labelled items those
/// given to a model say a class by the model's own number; -1: one that the model does not know,
/// which it is never right about.
namespace ekya::workers::internal {

/// Crops of objects, each of one class.
struct Classification {
  using Model = models::Classifier;
  using Item = Sample;
  using Memory = datasets::ExemplarMemory;
  using Set = retrain::TrainingSet;
  static constexpr bool kOneClassTeaches = false;
  /// A model takes up a class from so many labelled objects on.
  static constexpr int kObjectsToLearn = 1;

  static int SideOf(const Model& model) { return model.shape().input_size; }
  static std::vector<Item> ItemsOf(const std::vector<FramePtr>& frames,
                                   const std::vector<labels::Labeller::Labels>& labels, int side);
  static Set Split(std::vector<Item> items, std::vector<Item> exemplars);
  /// Replaces each class c by `numbers[c]`; -1 where there is none.
  static void Renumber(const std::vector<int>& numbers, Item* item);
  /// Leaves out of `items` what is of class -1.
  static void KeepKnown(std::vector<Item>* items);
  static Result<Learned> Train(const Model& base, const Set& set,
                               const RetrainingConfiguration& configuration, std::uint64_t seed,
                               const retrain::TrainingHooks& hooks);
  static Result<double> Measure(Model& model, const std::vector<Item>& items);
  /// What scores are shared out among.
  static int ScoredClasses(const Model& model) { return static_cast<int>(model.classes().size()); }
};

/// Whole pictures with the objects that they show. Members as above.
struct Detecting {
  using Model = models::LearningDetector;
  using Item = LabelledPicture;
  using Memory = datasets::PictureMemory;
  using Set = retrain::DetectorTrainingSet;
  static constexpr bool kOneClassTeaches = true;
  /// A golden detector, which is asked about everything that it knows, now and then sees a boat in
  /// a car; what it sees ten times is worth a look, and can be learned.
  static constexpr int kObjectsToLearn = 10;

  static int SideOf(const Model& model) { return model.shape().input_size; }
  static std::vector<Item> ItemsOf(const std::vector<FramePtr>& frames,
                                   const std::vector<labels::Labeller::Labels>& labels, int side);
  static Set Split(std::vector<Item> items, std::vector<Item> exemplars);
  static void Renumber(const std::vector<int>& numbers, Item* item);
  static void KeepKnown(std::vector<Item>* items);
  static Result<Learned> Train(const Model& base, const Set& set,
                               const RetrainingConfiguration& configuration, std::uint64_t seed,
                               const retrain::TrainingHooks& hooks);
  static Result<double> Measure(Model& model, const std::vector<Item>& items);
  /// A score says whether the object is there: as much or as little.
  static int ScoredClasses(const Model&) { return 2; }
};

}  // namespace ekya::workers::internal
