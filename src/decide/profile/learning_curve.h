#pragma once

#include <vector>

#include "base/result.h"

namespace ekya::profile {

/// A measured point of a learning curve.
struct CurvePoint {
  double work = 0;      ///< Training done so far, in any unit, at least 0.
  double accuracy = 0;  ///< 0..1.
};

/// Accuracy against training: acc(k) = 1 - (1 / (b0 k + b1) + b2), all b >= 0 (Optimus, EuroSys
/// 2018, as used in the paper's section 4.3). b0 and b1 come from non-negative least squares at a
/// given b2. A few points seldom tell what b2 is, so every b2 that the points allow keeps a weight
/// by how well it fits, beside the curve that learns nothing; At() is their mean and Spread() their
/// standard deviation. Never falls with work; always in 0..1.
class LearningCurve {
 public:
  /// `noise`: standard deviation of a point's accuracy around the curve, > 0. kInvalid: no point,
  /// or a work or accuracy that is not finite or out of its range.
  static Result<LearningCurve> Fit(const std::vector<CurvePoint>& points, double noise);

  double At(double work) const;
  double Spread(double work) const;

 private:
  struct Member {
    double b0;
    double b1;
    double b2;
    double weight;
    double At(double work) const;
  };
  std::vector<Member> members_;  // Weights sum to 1.
};

}  // namespace ekya::profile
