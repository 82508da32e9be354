#pragma once

#include <vector>

#include "core/scorer.h"

namespace ekya {

/// Where an accuracy that was measured on some of the frames lies with 95 % confidence, 0..1.
struct AccuracyInterval {
  double low = 0;
  double high = 1;
};

/// Wilson's interval of an accuracy of which `trials` independent objects were judged; 0 to 1 where
/// none was.
AccuracyInterval WilsonInterval(double accuracy, double trials);

/// The interval of the accuracy over all of `stretches` (F1 where `detection`), each the counts of
/// a stretch of time. What is seen in one stretch is much alike, so that a thousand frames of one
/// parked car are no thousand observations: Wilson's interval for the number of independent objects
/// that would scatter as the stretches do (Kish's design effect), at most those that were judged.
/// Stretches without an object or result do not count.
AccuracyInterval IntervalOf(const std::vector<FrameScore>& stretches, bool detection);

}  // namespace ekya
