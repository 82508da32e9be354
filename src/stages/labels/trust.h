#pragma once

#include <string>
#include <vector>

#include "core/frame.h"

namespace ekya::labels {

/// What a golden model has said twice: of pictures, and of the same ones mirrored and a little
/// darker, its boxes mirrored back.
struct SecondLook {
  std::vector<Detection> first;
  std::vector<Detection> second;
};

/// `frame` as the second look sees it, and a box of it as it was.
Frame Changed(const Frame& frame);
Box ChangedBack(const Box& box, const Image& image);

/// Whether a golden model's labels of one stream may be learned from. It contradicts itself where
/// the two looks of SecondLook agree on less than half of what chance does not explain (Cohen's
/// kappa; for detectors F1 at IoU 0.5, which chance does not reach), and knows nothing where its
/// scores are near those of a guess. It is trusted until either is sure: until the whole 95 %
/// interval says so.
class GoldenTrust {
 public:
  /// `classes`: how many it tells apart.
  GoldenTrust(bool detection, std::size_t classes);

  void Add(const std::vector<SecondLook>& looks);
  /// Why its labels are not to be used; empty: it is trusted.
  std::string Doubt() const;

 private:
  const bool detection_;
  const std::size_t classes_;
  double said_ = 0;       // results of both looks, per look
  double agreed_ = 0;     // of those
  double score_sum_ = 0;  // of the first looks' results
  double scored_ = 0;
  std::vector<double> per_class_;  // results of both looks, for the agreement by chance
};

}  // namespace ekya::labels
