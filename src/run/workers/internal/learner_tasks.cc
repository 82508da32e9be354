#include "run/workers/internal/learner_tasks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/scorer.h"
#include "stages/retrain/score_threshold.h"

namespace ekya::workers::internal {
namespace {

constexpr double kHeldOutFraction = 0.35;
constexpr std::size_t kCropsAtOnce = 64;
// The paper's (section 6.1).
constexpr double kDetectionIou = 0.3;

int NumberOf(const std::vector<int>& numbers, int label) {
  const auto place = static_cast<std::size_t>(label);
  return label >= 0 && place < numbers.size() ? numbers[place] : -1;
}

/// Which of `found` are right. They are matched best score first, so that what comes later changes
/// nothing about what came before.
void Append(std::vector<Detection> found, const std::vector<Detection>& truth,
            std::vector<swap::ScoredSample>* scored) {
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

std::vector<Sample> Classification::ItemsOf(const std::vector<FramePtr>& frames,
                                            const std::vector<labels::Labeller::Labels>& labels,
                                            int side) {
  return labels::MakeSamples(frames, labels, side);
}

retrain::TrainingSet Classification::Split(std::vector<Sample> items,
                                           std::vector<Sample> exemplars) {
  return retrain::SplitByTime(std::move(items), kHeldOutFraction, std::move(exemplars));
}

void Classification::Renumber(const std::vector<int>& numbers, Sample* item) {
  item->label = NumberOf(numbers, item->label);
}

void Classification::KeepKnown(std::vector<Sample>* items) {
  std::erase_if(*items, [](const Sample& item) { return item.label < 0; });
}

Result<Learned> Classification::Train(const models::Classifier& base,
                                      const retrain::TrainingSet& set,
                                      const RetrainingConfiguration& configuration,
                                      std::uint64_t seed, const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::Train(base, set, configuration, seed, hooks));
  return Learned{std::move(outcome.model),  std::move(outcome.accuracy), outcome.start_accuracy,
                 outcome.samples_per_epoch, outcome.once_cpu_seconds,    outcome.cpu_seconds};
}

Result<double> Classification::Measure(models::Classifier& model,
                                       const std::vector<Sample>& items) {
  return retrain::MeasureAccuracy(model, items);
}

Result<Outcomes> Classification::OutcomesOf(models::Classifier& model,
                                            const std::vector<Sample>& items) {
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
      outcomes.loss.push_back(swap::LossOf(found[i - first].score, right));
      outcomes.scored.push_back({found[i - first].score, right});
    }
  }
  return outcomes;
}

std::vector<LabelledPicture> Detecting::ItemsOf(const std::vector<FramePtr>& frames,
                                                const std::vector<labels::Labeller::Labels>& labels,
                                                int side) {
  return labels::MakePictures(frames, labels, side);
}

retrain::DetectorTrainingSet Detecting::Split(std::vector<LabelledPicture> items,
                                              std::vector<LabelledPicture> exemplars) {
  return retrain::SplitPicturesByTime(std::move(items), kHeldOutFraction, std::move(exemplars));
}

std::vector<int> Detecting::LabelsOf(const LabelledPicture& item) {
  std::vector<int> labels;
  for (const Detection& object : item.objects) labels.push_back(object.class_index);
  return labels;
}

void Detecting::Renumber(const std::vector<int>& numbers, LabelledPicture* item) {
  for (Detection& object : item->objects) {
    object.class_index = NumberOf(numbers, object.class_index);
  }
}

void Detecting::KeepKnown(std::vector<LabelledPicture>* items) {
  for (LabelledPicture& item : *items) {
    std::erase_if(item.objects, [](const Detection& object) { return object.class_index < 0; });
  }
}

Result<Learned> Detecting::Train(const models::LearningDetector& base,
                                 const retrain::DetectorTrainingSet& set,
                                 const RetrainingConfiguration& configuration, std::uint64_t seed,
                                 const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::TrainDetector(base, set, configuration, seed, hooks));
  Learned learned{nullptr, std::move(outcome.f1), outcome.start_f1, outcome.samples_per_epoch,
                  0,       outcome.cpu_seconds};
  // A retrained model is sure of other things than before.
  const double before = outcome.model->score_threshold();
  const auto& settling = set.held_out.empty() ? set.training : set.held_out;
  EKYA_ASSIGN(const auto found, retrain::FindInPictures(*outcome.model, settling));
  outcome.model->SetScoreThreshold(retrain::BestThreshold(found, before));
  learned.model = std::move(outcome.model);
  return learned;
}

Result<double> Detecting::Measure(models::LearningDetector& model,
                                  const std::vector<LabelledPicture>& items) {
  return retrain::MeasureF1(model, items);
}

Result<Outcomes> Detecting::OutcomesOf(models::LearningDetector& model,
                                       const std::vector<LabelledPicture>& items) {
  Outcomes outcomes;
  Frame frame;
  for (const LabelledPicture& item : items) {
    frame.image = item.image;
    EKYA_ASSIGN(auto found, model.Analyze(frame, 0));
    const double f1 = ScoreFrame(found, item.objects, kDetectionIou).F1();
    // Nothing there and nothing found: as right as can be.
    outcomes.right.push_back(f1 < 0 ? 1 : f1);
    for (const Detection& object : item.objects) {
      outcomes.found.push_back(
          static_cast<float>(ScoreFrame(found, {object}, kDetectionIou).right));
    }
    Append(std::move(found), item.objects, &outcomes.scored);
  }
  return outcomes;
}

}  // namespace ekya::workers::internal
