#pragma once

#include <string>
#include <vector>

#include "apps/learning/experiments.h"
#include "base/result.h"
#include "core/site.h"
#include "platform/models/model.h"
#include "stages/retrain/detector_trainer.h"

namespace ekya::learning {

/// What a fixed camera showed, picture by picture, with its labels.
struct PictureStream {
  std::string id;
  std::string labels;  ///< Who says what is shown: "golden" or "truth".
  std::vector<LabelledPicture> pictures;
};

/// The pictures of `camera`, `rate` a second, at most `most` of them, labelled by `golden` or,
/// where that is null, by the source's own truth. Errors name the camera.
Result<PictureStream> ReadPictureStream(const CameraSettings& camera, double rate, std::size_t most,
                                        models::Model* golden, std::uint64_t seed);

/// A stream cut in time.
struct PictureParts {
  /// The first part: what is trained on, then what thresholds are chosen on.
  retrain::DetectorTrainingSet first;
  /// The later part: what models are judged on, and nothing else.
  std::vector<LabelledPicture> later;
};

/// The first 60 % of the pictures, whose last quarter is held out, and the other 40 %.
PictureParts CutInTime(const PictureStream& stream);

/// What one training of one stream came to. F1 is at IoU 0.3 on the later part.
struct DetectionRun {
  std::string stream;
  std::uint64_t seed = 0;
  double unretrained_at_default = 0;  ///< With the score threshold it is served with, 0.3.
  double unretrained = 0;             ///< With the threshold that is best for held-out pictures.
  double retrained = 0;               ///< Likewise.
  double unretrained_map = 0;         ///< Mean average precision, for which no threshold is chosen.
  double retrained_map = 0;
  std::vector<FrameScore> retrained_scores;  ///< Of each picture.
  double unretrained_threshold = 0;
  double retrained_threshold = 0;
  double device_seconds = 0;  ///< Processor time of the training.
};

/// Retrains a copy of `base` on the first part of `parts` and judges both on the later one.
Result<DetectionRun> RetrainAndJudge(const models::LearningDetector& base,
                                     const PictureParts& parts,
                                     const RetrainingConfiguration& configuration,
                                     std::uint64_t seed);

/// `ekya experiment detection`: a Yolo-Fastest with public weights, retrained on the first part of
/// real clips (labels of a golden YOLOX) and of a drawn crossing (its truth), against itself
/// unretrained on the later part. Writes detection.csv beside report.html and summary.json.
Status RunDetection(const ExperimentRequest& request);

}  // namespace ekya::learning
