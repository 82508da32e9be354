#pragma once

#include <vector>

#include "base/result.h"
#include "core/scorer.h"
#include "platform/models/learning_detector.h"
#include "stages/retrain/detector_trainer.h"

namespace ekya::retrain {

/// The lowest score at which `model` is asked for results when a threshold is chosen.
inline constexpr double kLowestScore = 0.05;

/// Whatever `model` finds from kLowestScore on, beside what each picture shows. Changes the
/// model's score threshold.
Result<std::vector<JudgedPicture>> FindInPictures(models::LearningDetector& model,
                                                  const std::vector<LabelledPicture>& pictures);

/// F1 at IoU 0.3 of the results that score at least `threshold`, over all pictures; 0 where there
/// is neither object nor result.
double F1From(const std::vector<JudgedPicture>& pictures, double threshold);

/// The score from which on results are to be given so that F1 is best: the middle of the best
/// stretch, which a few pictures settle better than its ends. `otherwise` where no threshold finds
/// anything right.
double BestThreshold(const std::vector<JudgedPicture>& pictures, double otherwise);

}  // namespace ekya::retrain
