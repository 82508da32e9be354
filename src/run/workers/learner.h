#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/device.h"
#include "core/frame.h"
#include "core/site.h"
#include "platform/models/learning_model.h"
#include "run/workers/services.h"
#include "stages/labels/labeller.h"
#include "stages/retrain/retrainer.h"

namespace ekya::workers {

/// A training's result, whatever the model sees.
struct Learned {
  std::unique_ptr<models::LearningModel> model;
  std::vector<double> accuracy;  ///< On what was held out, after each epoch; F1 for detectors.
  double start_accuracy = 0;     ///< Of the model that it started from.
  int samples_per_epoch = 0;
  double once_cpu_seconds = 0;  ///< Of cpu_seconds, those before the first epoch.
  double cpu_seconds = 0;
};

/// How much labelled material a training has: samples, or pictures.
struct Material {
  int training = 0;
  int exemplars = 0;  ///< Replayed in an epoch: as many as there are new ones, at most.
  int held_out = 0;
  int held_out_objects = 0;  ///< In those held out: what an accuracy measured on them rests on.
};

/// What one stream's model learns from and how: labelled samples of crops for a classifier, whole
/// labelled pictures for a detector. The loop knows neither. Models that it is given are of its own
/// kind: those that it made. Labels say a class by its place among the stream's; a model knows some
/// of these, by name and in an order of its own. Its material is files in the stream's folder, so
/// that any process may have a learner of the stream, and a restart finds all of it:
/// `samples/<window>.safetensors`, `exemplars/<window>.safetensors` (of the windows before that
/// one). Any thread; Take from one of them, for one window after the other.
class Learner {
 public:
  virtual ~Learner() = default;

  /// Makes labelled material of `window`'s `frames`, and exemplars of the window's before it.
  /// Taking a window in again replaces its material and nothing else. On an error (a full disk)
  /// nothing is lost that was there.
  virtual Status Take(int window, const std::vector<FramePtr>& frames,
                      const std::vector<labels::Labeller::Labels>& labels) = 0;
  /// Of `window`, at most `most_held_out` held out.
  virtual Material MaterialOf(int window, std::size_t most_held_out) const = 0;
  /// Labelled objects in the training and in what is replayed beside it, by class. Empty where a
  /// window of a single class teaches too, as where an object is to be found in a picture.
  virtual std::vector<int> SamplesPerClass(int window) const = 0;

  /// What the stream's first training starts from: the model that it opened with, or, where the
  /// stream's classes are found out as it goes, a fresh one with an output for each that the labels
  /// up to `window` show. kNotFound: they show none.
  virtual Result<std::shared_ptr<const models::LearningModel>> Beginning(int window) const = 0;

  /// Trains a copy of `base` on `window`'s material, or on that of windows 0 to `window` with
  /// nothing held out. The copy grows by the classes that it does not know and that are shown
  /// (LearningSettings::new_classes), to a classifier once, to a detector by ten objects: its
  /// labeller may see what is not there. What shows one that it does not learn is not trained on
  /// (of a picture: that object), and measured as wrong. Errors as retrain::Train.
  virtual Result<Learned> Train(const models::LearningModel& base, int window,
                                std::size_t most_held_out,
                                const RetrainingConfiguration& configuration, std::uint64_t seed,
                                const retrain::TrainingHooks& hooks) const = 0;
  virtual Result<Learned> TrainFirst(const models::LearningModel& base, int window,
                                     const RetrainingConfiguration& configuration,
                                     std::uint64_t seed) const = 0;
  /// Accuracy or F1 on what is held out of `window`; 0 where nothing is.
  virtual Result<double> Measure(const models::LearningModel& model, int window) const = 0;
  /// How right each of the two is on each item that is held out of `window`: of a sample whether
  /// its class was found, of a picture its own F1 at IoU 0.3. Accuracies as Measure.
  virtual Result<PairedMeasure> Compare(const models::LearningModel& served,
                                        const models::LearningModel& candidate,
                                        int window) const = 0;

  virtual std::unique_ptr<models::LearningModel> Clone(
      const models::LearningModel& model) const = 0;
  /// `model` as it is served: it keeps nothing of it. Errors and `temperature` as MakeVersion.
  virtual Result<std::shared_ptr<models::Model>> MakeServed(const models::LearningModel& model,
                                                            double temperature) const = 0;
};

/// As much as there is.
inline constexpr std::size_t kAllHeldOut = SIZE_MAX;

/// A learner and the model that it begins with.
struct OpenedLearner {
  std::unique_ptr<Learner> learner;
  std::shared_ptr<const models::LearningModel> model;
  bool knows = false;  ///< The model comes from a file: it can serve.
  /// The stream's: those that were given, then others that the file knows.
  std::vector<std::string> classes;
};

/// The model that `settings` name, for a stream with `camera`'s task whose labels may say `classes`
/// (those of `camera` where it names any), and what learns it, as `learning` says, from the
/// material in `folder`. `seed`: of fresh weights and of the choice of exemplars. Errors name the
/// camera.
Result<OpenedLearner> OpenLearner(const CameraSettings& camera,
                                  const std::vector<std::string>& classes,
                                  const ModelSettings& settings, const LearningSettings& learning,
                                  std::uint64_t seed, const std::filesystem::path& folder);
/// The model that was saved as `weights`, on `device`, to be learned on as `learning` says.
Result<std::unique_ptr<models::LearningModel>> LoadLearningModel(
    const CameraSettings& camera, const LearningSettings& learning,
    const std::filesystem::path& weights, const Device& device = {});
/// `model`, one of `learner`'s, on `device`, to be learned on as `learning` says: a copy where it
/// lies elsewhere. Errors as LearningModel::MoveTo.
Result<std::shared_ptr<const models::LearningModel>> OnDevice(
    std::shared_ptr<const models::LearningModel> model, const Learner& learner,
    const LearningSettings& learning, const Device& device);

}  // namespace ekya::workers
