#include "run/workers/internal/learner_tasks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stages/retrain/score_threshold.h"

namespace ekya::workers::internal {
namespace {

constexpr double kHeldOutFraction = 0.35;

int NumberOf(const std::vector<int>& numbers, int label) {
  const auto place = static_cast<std::size_t>(label);
  return label >= 0 && place < numbers.size() ? numbers[place] : -1;
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

std::vector<LabelledPicture> Detecting::ItemsOf(const std::vector<FramePtr>& frames,
                                                const std::vector<labels::Labeller::Labels>& labels,
                                                int side) {
  return labels::MakePictures(frames, labels, side);
}

retrain::DetectorTrainingSet Detecting::Split(std::vector<LabelledPicture> items,
                                              std::vector<LabelledPicture> exemplars) {
  return retrain::SplitPicturesByTime(std::move(items), kHeldOutFraction, std::move(exemplars));
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

}  // namespace ekya::workers::internal
