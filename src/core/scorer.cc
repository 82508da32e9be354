#include "core/scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace ekya {

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

namespace {

/// Average precision of `class_index`; negative where no picture shows one.
double AveragePrecision(const std::vector<JudgedPicture>& pictures, int class_index, double iou) {
  struct Claim {
    double score;
    std::size_t picture;
    const Detection* detection;
  };
  std::vector<Claim> claims;
  int objects = 0;
  std::vector<std::vector<bool>> taken(pictures.size());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    taken[i].assign(pictures[i].truth.size(), false);
    for (const Detection& object : pictures[i].truth) {
      objects += object.class_index == class_index ? 1 : 0;
    }
    for (const Detection& detection : pictures[i].detections) {
      // A score that is no number must not upset the order.
      if (detection.class_index != class_index || std::isnan(detection.score)) continue;
      claims.push_back({detection.score, i, &detection});
    }
  }
  if (objects == 0) return -1;
  std::stable_sort(claims.begin(), claims.end(),
                   [](const Claim& a, const Claim& b) { return a.score > b.score; });

  std::vector<double> precision;
  std::vector<double> recall;
  int right = 0;
  for (const Claim& claim : claims) {
    const auto& truth = pictures[claim.picture].truth;
    std::size_t best = truth.size();
    double best_overlap = 0;
    for (std::size_t j = 0; j < truth.size(); ++j) {
      if (taken[claim.picture][j] || truth[j].class_index != class_index) continue;
      const double overlap = IntersectionOverUnion(claim.detection->box, truth[j].box);
      if (overlap < iou || overlap <= best_overlap) continue;
      best = j;
      best_overlap = overlap;
    }
    if (best < truth.size()) {
      taken[claim.picture][best] = true;
      ++right;
    }
    precision.push_back(static_cast<double>(right) / static_cast<double>(precision.size() + 1));
    recall.push_back(static_cast<double>(right) / objects);
  }
  double area = 0;
  double best_precision = 0;
  for (std::size_t i = precision.size(); i-- > 0;) {
    best_precision = std::max(best_precision, precision[i]);
    area += best_precision * (recall[i] - (i == 0 ? 0 : recall[i - 1]));
  }
  return area;
}

}  // namespace

double MeanAveragePrecision(const std::vector<JudgedPicture>& pictures, double iou) {
  std::set<int> classes;
  for (const JudgedPicture& picture : pictures) {
    for (const Detection& object : picture.truth) classes.insert(object.class_index);
  }
  if (classes.empty()) return -1;
  double sum = 0;
  for (const int each : classes) sum += AveragePrecision(pictures, each, iou);
  return sum / static_cast<double>(classes.size());
}

std::vector<Detection> TruthOf(const Frame& frame) {
  std::vector<Detection> truth;
  for (const Region& region : frame.regions) {
    if (region.truth) truth.push_back({region.box, *region.truth, 1.0});
  }
  return truth;
}

}  // namespace ekya
