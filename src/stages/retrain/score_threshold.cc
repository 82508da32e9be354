#include "stages/retrain/score_threshold.h"

#include <algorithm>
#include <utility>

namespace ekya::retrain {
namespace {

constexpr double kIou = 0.3;
constexpr double kHighestThreshold = 0.9;
constexpr double kStep = 0.01;
// F1 so close to the best one is as good: less than one object in a hundred.
constexpr double kAsGood = 0.005;

}  // namespace

Result<std::vector<JudgedPicture>> FindInPictures(models::LearningDetector& model,
                                                  const std::vector<LabelledPicture>& pictures) {
  model.SetScoreThreshold(kLowestScore);
  std::vector<JudgedPicture> judged;
  Frame frame;
  for (const LabelledPicture& picture : pictures) {
    frame.image = picture.image;
    EKYA_ASSIGN(auto found, model.Analyze(frame, 0));
    judged.push_back({std::move(found), picture.objects});
  }
  return judged;
}

double F1From(const std::vector<JudgedPicture>& pictures, double threshold) {
  FrameScore score;
  std::vector<Detection> given;
  for (const JudgedPicture& picture : pictures) {
    given.clear();
    std::copy_if(picture.detections.begin(), picture.detections.end(), std::back_inserter(given),
                 [&](const Detection& each) { return each.score >= threshold; });
    score += ScoreFrame(given, picture.truth, kIou);
  }
  return std::max(0.0, score.F1());
}

double BestThreshold(const std::vector<JudgedPicture>& pictures, double otherwise) {
  std::vector<double> thresholds;
  for (double threshold = kLowestScore; threshold <= kHighestThreshold; threshold += kStep) {
    thresholds.push_back(threshold);
  }
  std::vector<double> f1;
  for (const double threshold : thresholds) f1.push_back(F1From(pictures, threshold));
  const auto best = std::max_element(f1.begin(), f1.end());
  if (*best <= 0) return otherwise;
  const auto as_good = [&](double each) { return each >= *best - kAsGood; };
  const auto end = std::find_if_not(best, f1.end(), as_good);
  const auto begin = std::find_if_not(std::make_reverse_iterator(best), f1.rend(), as_good).base();
  return (thresholds[static_cast<std::size_t>(begin - f1.begin())] +
          thresholds[static_cast<std::size_t>(end - f1.begin()) - 1]) /
         2;
}

}  // namespace ekya::retrain
