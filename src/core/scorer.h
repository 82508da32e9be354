#pragma once

#include <vector>

#include "core/frame.h"

namespace ekya {

/// How well one frame's results agree with what it shows. Counts, so that they can be pooled.
struct FrameScore {
  int right = 0;       ///< Objects of the truth found at their place with their class.
  int objects = 0;     ///< Objects of the truth.
  int detections = 0;  ///< Results that were given.

  FrameScore& operator+=(const FrameScore& other);
  /// Classification: right / objects, 0..1; negative where nothing was to be found.
  double Accuracy() const;
  /// Detection: F1 = 2 right / (objects + detections); negative where both are none.
  double F1() const;
};

/// Matches `detections` to `truth` one to one, best score first, by IoU >= `iou` whatever the
/// class; a match with the same class is right. A result that was carried over from an earlier
/// frame counts where it is now: objects that have moved away from it are missed.
FrameScore ScoreFrame(const std::vector<Detection>& detections, const std::vector<Detection>& truth,
                      double iou);

/// What was found in one picture, and what it shows.
struct JudgedPicture {
  std::vector<Detection> detections;
  std::vector<Detection> truth;
};

/// Mean average precision: of each class that the truth has anywhere, the area below its curve of
/// precision over recall (best precision at this recall or a higher one, all points), when its
/// detections of all pictures come best score first and each takes the free object of its class
/// that it overlaps most, by IoU >= `iou`. 0 to 1; negative where there is no object at all.
double MeanAveragePrecision(const std::vector<JudgedPicture>& pictures, double iou);

/// The frame's own truth (regions with a truth) as detections.
std::vector<Detection> TruthOf(const Frame& frame);

}  // namespace ekya
