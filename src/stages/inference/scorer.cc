#include "stages/inference/scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ekya::inference {

FrameScore& FrameScore::operator+=(const FrameScore& other) {
  right += other.right;
  objects += other.objects;
  detections += other.detections;
  return *this;
}

double FrameScore::Accuracy() const {
  return objects == 0 ? -1 : static_cast<double>(right) / objects;
}

double FrameScore::F1() const {
  const int all = objects + detections;
  return all == 0 ? -1 : 2.0 * right / all;
}

FrameScore ScoreFrame(const std::vector<Detection>& detections, const std::vector<Detection>& truth,
                      double iou) {
  FrameScore score;
  score.objects = static_cast<int>(truth.size());
  score.detections = static_cast<int>(detections.size());

  // A score that is no number must not upset the order.
  const auto rank = [&](std::size_t i) {
    const double value = detections[i].score;
    return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
  };
  std::vector<std::size_t> order(detections.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rank(a) > rank(b); });

  std::vector<bool> taken(truth.size(), false);
  for (const std::size_t i : order) {
    const Detection& detection = detections[i];
    int best = -1;
    double best_overlap = 0;
    for (std::size_t j = 0; j < truth.size(); ++j) {
      if (taken[j]) continue;
      const double overlap = IntersectionOverUnion(detection.box, truth[j].box);
      if (overlap < iou || overlap <= 0) continue;
      // Where two objects share a place, the one of the same class is meant.
      const bool same = truth[j].class_index == detection.class_index;
      if (overlap > best_overlap || (overlap == best_overlap && same)) {
        best = static_cast<int>(j);
        best_overlap = overlap;
      }
    }
    if (best < 0) continue;
    taken[best] = true;
    if (truth[best].class_index == detection.class_index) ++score.right;
  }
  return score;
}

std::vector<Detection> TruthOf(const Frame& frame) {
  std::vector<Detection> truth;
  for (const Region& region : frame.regions) {
    if (region.truth) truth.push_back({region.box, *region.truth, 1.0});
  }
  return truth;
}

}  // namespace ekya::inference
