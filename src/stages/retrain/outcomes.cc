#include "stages/retrain/outcomes.h"

#include <algorithm>
#include <utility>

#include "core/scorer.h"

namespace ekya::retrain {
namespace {

constexpr std::size_t kCropsAtOnce = 64;
// The paper's (section 6.1).
constexpr double kDetectionIou = 0.3;

/// Which of `found` are right. They are matched best score first, so that what comes later changes
/// nothing about what came before.
void Append(std::vector<Detection> found, const std::vector<Detection>& truth,
            std::vector<ScoredSample>* scored) {
  std::ranges::stable_sort(
      found, [](const Detection& a, const Detection& b) { return a.score > b.score; });
  int right = 0;
  std::vector<Detection> so_far;
  for (const Detection& each : found) {
    so_far.push_back(each);
    const int now = ScoreFrame(so_far, truth, kDetectionIou).right;
    scored->push_back({each.score, now > std::exchange(right, now)});
  }
}

}  // namespace

Result<Outcomes> OutcomesOf(models::Classifier& model, const std::vector<Sample>& items) {
  Outcomes outcomes;
  for (std::size_t first = 0; first < items.size(); first += kCropsAtOnce) {
    const std::size_t end = std::min(items.size(), first + kCropsAtOnce);
    std::vector<const Image*> crops;
    for (std::size_t i = first; i < end; ++i) crops.push_back(&items[i].image);
    EKYA_ASSIGN(const auto found, model.Classify(crops, 0));
    for (std::size_t i = first; i < end; ++i) {
      const bool right = found[i - first].class_index == items[i].label;
      outcomes.right.push_back(right ? 1 : 0);
      outcomes.found.push_back(right ? 1 : 0);
      outcomes.loss.push_back(LossOf(found[i - first].score, right));
      outcomes.scored.push_back({found[i - first].score, right});
    }
  }
  return outcomes;
}

Result<Outcomes> OutcomesOf(models::LearningDetector& model,
                            const std::vector<LabelledPicture>& items) {
  Outcomes outcomes;
  Frame frame;
  for (const LabelledPicture& item : items) {
    frame.image = item.image;
    EKYA_ASSIGN(auto found, model.Analyze(frame, 0));
    const double f1 = ScoreFrame(found, item.objects, kDetectionIou).F1();
    // Nothing there and nothing found: as right as can be.
    outcomes.right.push_back(f1 < 0 ? 1 : static_cast<float>(f1));
    for (const Detection& object : item.objects) {
      outcomes.found.push_back(
          static_cast<float>(ScoreFrame(found, {object}, kDetectionIou).right));
    }
    Append(std::move(found), item.objects, &outcomes.scored);
  }
  return outcomes;
}

std::vector<int> LabelsOf(const Sample& item) { return {item.label}; }

std::vector<int> LabelsOf(const LabelledPicture& item) {
  std::vector<int> labels;
  for (const Detection& object : item.objects) labels.push_back(object.class_index);
  return labels;
}

}  // namespace ekya::retrain
