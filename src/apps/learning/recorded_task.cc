#include "apps/learning/recorded_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "stages/retrain/score_threshold.h"

namespace ekya::learning {
namespace {

std::uint64_t HashOf(const Image& image, std::uint64_t hash) {
  return DeriveSeed(hash,
                    {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
}

}  // namespace

std::uint64_t HashOf(const Sample& item, std::uint64_t hash) {
  return HashOf(item.image, hash + static_cast<std::uint64_t>(item.label));
}

retrain::TrainingSet Split(std::vector<Sample> items, double held_out_fraction,
                           std::vector<Sample> exemplars) {
  return retrain::SplitByTime(std::move(items), held_out_fraction, std::move(exemplars));
}

Result<TrainingResult<models::Classifier>> Retrained(const models::Classifier& base,
                                                     const retrain::TrainingSet& set,
                                                     const RetrainingConfiguration& configuration,
                                                     std::uint64_t seed,
                                                     const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::Train(base, set, configuration, seed, hooks));
  return TrainingResult<models::Classifier>{std::move(outcome.model), outcome.samples_per_epoch,
                                            outcome.once_cpu_seconds, outcome.start_accuracy};
}

Result<double> Settle(models::Classifier& model, const std::vector<Sample>& held_out) {
  return Measure(model, held_out);
}

Result<double> Measure(models::Classifier& model, const std::vector<Sample>& items) {
  return retrain::MeasureAccuracy(model, items);
}

int Objects(const std::vector<Sample>& items) { return static_cast<int>(items.size()); }

Result<std::vector<profile::Sight>> SightsOf(models::Classifier& model,
                                             const std::vector<Sample>& items,
                                             const std::vector<std::size_t>& labelled,
                                             const std::vector<std::size_t>& cuts,
                                             double window_seconds) {
  std::vector<profile::Sight> sights;
  for (std::size_t k = 0; k + 1 < cuts.size(); ++k) {
    std::vector<const Image*> pictures;
    for (std::size_t i = cuts[k]; i < cuts[k + 1]; ++i) pictures.push_back(&items[i].image);
    profile::Sight& sight = sights.emplace_back();
    if (pictures.empty()) continue;
    EKYA_ASSIGN(const auto answers, model.Classify(pictures, 0));
    double right = 0;
    double squares = 0;
    for (std::size_t i = cuts[k]; i < cuts[k + 1]; ++i) {
      const auto& answer = answers[i - cuts[k]];
      sight.time += items[i].time_seconds / window_seconds;
      sight.mean_score += answer.score;
      squares += answer.score * answer.score;
      if (!std::binary_search(labelled.begin(), labelled.end(), i)) continue;
      ++sight.labelled;
      right += answer.class_index == items[i].label ? 1 : 0;
    }
    sight.seen = static_cast<int>(pictures.size());
    sight.time /= sight.seen;
    sight.mean_score /= sight.seen;
    const double variance = squares / sight.seen - sight.mean_score * sight.mean_score;
    sight.score_deviation = std::sqrt(std::max(variance, 0.0));
    if (sight.labelled > 0) sight.accuracy = right / sight.labelled;
  }
  return sights;
}

std::uint64_t HashOf(const LabelledPicture& item, std::uint64_t hash) {
  hash = HashOf(item.image, hash);
  for (const Detection& object : item.objects) {
    const Box& box = object.box;
    hash = DeriveSeed(hash, fmt::format("{} {} {} {} {}", object.class_index, box.x, box.y,
                                        box.width, box.height));
  }
  return hash;
}

retrain::DetectorTrainingSet Split(std::vector<LabelledPicture> items, double held_out_fraction,
                                   std::vector<LabelledPicture> exemplars) {
  return retrain::SplitPicturesByTime(std::move(items), held_out_fraction, std::move(exemplars));
}

Result<TrainingResult<models::LearningDetector>> Retrained(
    const models::LearningDetector& base, const retrain::DetectorTrainingSet& set,
    const RetrainingConfiguration& configuration, std::uint64_t seed,
    const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::TrainDetector(base, set, configuration, seed, hooks));
  return TrainingResult<models::LearningDetector>{std::move(outcome.model),
                                                  outcome.samples_per_epoch, 0, outcome.start_f1};
}

Result<double> Settle(models::LearningDetector& model,
                      const std::vector<LabelledPicture>& held_out) {
  const double before = model.score_threshold();
  EKYA_ASSIGN(const auto found, retrain::FindInPictures(model, held_out));
  const double threshold = retrain::BestThreshold(found, before);
  model.SetScoreThreshold(threshold);
  return retrain::F1From(found, threshold);
}

Result<double> Measure(models::LearningDetector& model, const std::vector<LabelledPicture>& items) {
  return retrain::MeasureF1(model, items);
}

int Objects(const std::vector<LabelledPicture>& items) {
  std::size_t objects = 0;
  for (const LabelledPicture& item : items) objects += item.objects.size();
  return static_cast<int>(objects);
}

Result<std::vector<profile::Sight>> SightsOf(models::LearningDetector& model,
                                             const std::vector<LabelledPicture>& items,
                                             const std::vector<std::size_t>& labelled,
                                             const std::vector<std::size_t>& cuts,
                                             double window_seconds) {
  std::vector<profile::Sight> sights;
  for (std::size_t k = 0; k + 1 < cuts.size(); ++k) {
    profile::Sight& sight = sights.emplace_back();
    if (cuts[k] == cuts[k + 1]) continue;
    std::vector<LabelledPicture> known;
    for (std::size_t i = cuts[k]; i < cuts[k + 1]; ++i) {
      sight.time += items[i].time_seconds / window_seconds;
      if (std::binary_search(labelled.begin(), labelled.end(), i)) known.push_back(items[i]);
    }
    sight.time /= static_cast<double>(cuts[k + 1] - cuts[k]);
    sight.labelled = Objects(known);
    EKYA_ASSIGN(sight.accuracy, Measure(model, known));
  }
  return sights;
}

}  // namespace ekya::learning
