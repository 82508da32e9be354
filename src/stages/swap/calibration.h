#pragma once

#include <vector>

#include "core/outcomes.h"

namespace ekya::swap {

/// Makes a model's scores mean what they say: of the results with a score of 0.8, 80 % are right.
/// One number for each version, the temperature that its logits are divided by before the softmax
/// (Guo et al., On calibration of modern neural networks, ICML 2017); the chosen class stays the
/// same.
class Calibration {
 public:
  /// `classes`: that the scores are over; 2 for a detector's. `temperature` > 0; 1 changes nothing.
  explicit Calibration(int classes, double temperature = 1);

  /// The temperature that makes `held_out`, which the model was not trained on, most likely. It is
  /// drawn towards 1 by as much as a few samples can move it. With none: 1.
  static Calibration Fit(int classes, const std::vector<ScoredSample>& held_out);

  double temperature() const { return temperature_; }
  /// What `score`, the chosen class's, becomes, 0..1. The other classes' part of it is taken to be
  /// evenly theirs, which is exact for two. Scores keep their order.
  double Apply(double score) const;

 private:
  int classes_;
  double temperature_;
};

/// Mean distance between how often results are right and their scores, in bins of the score of
/// equal width, weighted by their samples (expected calibration error). 0 without samples.
double CalibrationError(const std::vector<ScoredSample>& samples, int bins = 10);

}  // namespace ekya::swap
