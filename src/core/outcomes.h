#pragma once

#include <vector>

namespace ekya {

/// What a model said of one labelled sample: the score of the class that it chose, and whether that
/// was right.
struct ScoredSample {
  double score = 0;  ///< 0..1.
  bool right = false;
};

/// What a model makes of labelled items, one by one.
struct Outcomes {
  std::vector<float> right;          ///< Of each item: 0 or 1 of a crop, F1 of a picture.
  std::vector<float> found;          ///< Of each item's objects: 1 where it is found, else 0.
  std::vector<float> loss;           ///< LossOf each item; empty where an item has no one score.
  std::vector<ScoredSample> scored;  ///< Each answer: one of a crop, any number of a picture.
};

/// Logarithmic loss of a score, 0..1, that says how sure a model is to be right: 0 for one that was
/// sure and right, at most 10.
float LossOf(double score, bool right);

}  // namespace ekya
