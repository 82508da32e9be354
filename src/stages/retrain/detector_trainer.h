#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/frame.h"
#include "core/scorer.h"
#include "platform/models/learning_detector.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain {

/// What one training of a detector is made of: whole pictures; as TrainingSet.
struct DetectorTrainingSet {
  std::vector<LabelledPicture> training;
  std::vector<LabelledPicture> exemplars;  ///< Replayed with them, at most as many as of these.
  std::vector<LabelledPicture> held_out;
  std::vector<std::string> new_classes = {};  ///< As TrainingSet's; each is shown by some object.
};

/// SplitByTime for pictures.
DetectorTrainingSet SplitPicturesByTime(std::vector<LabelledPicture> pictures,
                                        double held_out_fraction,
                                        std::vector<LabelledPicture> exemplars);

struct DetectorOutcome {
  std::unique_ptr<models::LearningDetector> model;
  std::vector<double> f1;  ///< On the held-out pictures after each epoch, at IoU 0.3.
  double start_f1 = 0;     ///< Of `base` on them.
  int samples_per_epoch = 0;
  double cpu_seconds = 0;  ///< Of the calling thread, all told.
};

/// Trains a copy of `base`, grown by the set's new classes, under `configuration` (last_hidden does
/// not apply) in the calling thread: SGD with momentum and a one-cycle learning rate on the
/// detector's own loss, exemplars replayed, stages frozen as `trained_stages` says; augmentation
/// mirrors and changes the light. Errors and `hooks` as for Train; their accuracy is F1. Where it
/// trains and what a seed fixes is as there.
Result<DetectorOutcome> TrainDetector(const models::LearningDetector& base,
                                      const DetectorTrainingSet& set,
                                      const RetrainingConfiguration& configuration,
                                      std::uint64_t seed, const TrainingHooks& hooks);

/// F1 at IoU 0.3 over all `pictures`; 0 where there is neither object nor result.
Result<double> MeasureF1(models::LearningDetector& model,
                         const std::vector<LabelledPicture>& pictures);

}  // namespace ekya::retrain
