#include "apps/learning/recorded_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "platform/models/detector.h"
#include "stages/retrain/score_threshold.h"

namespace ekya::learning {
namespace {

std::uint64_t HashOf(const Image& image, std::uint64_t hash) {
  return DeriveSeed(hash,
                    {reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
}

/// Where a model from a file knows what the stream shows, in the same order.
Status CheckClasses(const ModelSettings& settings, const std::vector<std::string>& found,
                    const std::vector<std::string>& expected) {
  if (found == expected) return {};
  return Error{ErrorCode::kInvalid,
               fmt::format("{}: found the classes {}, expected those of the camera: {}",
                           settings.path, fmt::join(found, ", "), fmt::join(expected, ", "))};
}

}  // namespace

std::uint64_t ClassifyingTask::Hash(const Item& item, std::uint64_t hash) {
  return HashOf(item.image, hash + static_cast<std::uint64_t>(item.label));
}

Result<std::unique_ptr<models::Classifier>> ClassifyingTask::Create(
    const ModelSettings& settings, const std::vector<std::string>& classes,
    models::Precision precision, std::uint64_t seed) {
  if (!settings.path.empty()) {
    EKYA_ASSIGN(auto model, Load(settings.path, precision));
    EKYA_RETURN_IF_ERROR(CheckClasses(settings, model->shape().classes, classes));
    return model;
  }
  models::ClassifierShape shape;
  shape.architecture = settings.architecture;
  shape.width = settings.width;
  shape.input_size = settings.input_size;
  shape.last_hidden = settings.last_hidden;
  shape.classes = classes;
  EKYA_ASSIGN(auto model, models::Classifier::Create(shape, seed));
  model->SetTrainingPrecision(precision);
  return model;
}

Result<std::unique_ptr<models::Classifier>> ClassifyingTask::Load(const std::filesystem::path& file,
                                                                  models::Precision precision) {
  EKYA_ASSIGN(auto model, models::Classifier::Load(file));
  model->SetTrainingPrecision(precision);
  return model;
}

retrain::TrainingSet ClassifyingTask::Split(std::vector<Item> items, double held_out_fraction,
                                            std::vector<Item> exemplars) {
  return retrain::SplitByTime(std::move(items), held_out_fraction, std::move(exemplars));
}

Result<TrainedModel<models::Classifier>> ClassifyingTask::Train(
    const Model& base, const Set& set, const RetrainingConfiguration& configuration,
    std::uint64_t seed, const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::Train(base, set, configuration, seed, hooks));
  return TrainedModel<Model>{std::move(outcome.model), outcome.samples_per_epoch,
                             outcome.once_cpu_seconds, outcome.start_accuracy};
}

Result<double> ClassifyingTask::Settle(Model& model, const std::vector<Item>& held_out) {
  return Measure(model, held_out);
}

Result<double> ClassifyingTask::Measure(Model& model, const std::vector<Item>& items) {
  return retrain::MeasureAccuracy(model, items);
}

int ClassifyingTask::Objects(const std::vector<Item>& items) {
  return static_cast<int>(items.size());
}

Result<std::vector<profile::Sight>> ClassifyingTask::SightsOf(
    Model& model, const std::vector<Item>& items, const std::vector<std::size_t>& labelled,
    const std::vector<std::size_t>& cuts, double window_seconds) {
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

std::uint64_t DetectingTask::Hash(const Item& item, std::uint64_t hash) {
  hash = HashOf(item.image, hash);
  for (const Detection& object : item.objects) {
    const Box& box = object.box;
    hash = DeriveSeed(hash, fmt::format("{} {} {} {} {}", object.class_index, box.x, box.y,
                                        box.width, box.height));
  }
  return hash;
}

Result<std::unique_ptr<models::LearningDetector>> DetectingTask::Create(
    const ModelSettings& settings, const std::vector<std::string>& classes, models::Precision,
    std::uint64_t seed) {
  const std::filesystem::path path = settings.path;
  if (path.extension() == ".cfg") {
    return models::LearningDetector::LoadDarknet(path, models::CocoNames(), classes);
  }
  if (!path.empty()) {
    EKYA_ASSIGN(auto model, models::LearningDetector::Load(path));
    EKYA_RETURN_IF_ERROR(CheckClasses(settings, model->shape().classes, classes));
    return model;
  }
  models::DetectorShape shape;
  shape.architecture = settings.architecture;
  shape.width = settings.width;
  shape.input_size = settings.input_size;
  shape.classes = classes;
  return models::LearningDetector::Create(shape, seed);
}

Result<std::unique_ptr<models::LearningDetector>> DetectingTask::Load(
    const std::filesystem::path& file, models::Precision) {
  return models::LearningDetector::Load(file);
}

retrain::DetectorTrainingSet DetectingTask::Split(std::vector<Item> items, double held_out_fraction,
                                                  std::vector<Item> exemplars) {
  return retrain::SplitPicturesByTime(std::move(items), held_out_fraction, std::move(exemplars));
}

Result<TrainedModel<models::LearningDetector>> DetectingTask::Train(
    const Model& base, const Set& set, const RetrainingConfiguration& configuration,
    std::uint64_t seed, const retrain::TrainingHooks& hooks) {
  EKYA_ASSIGN(auto outcome, retrain::TrainDetector(base, set, configuration, seed, hooks));
  // As TrainDetector takes them: at least one, and as many exemplars at most.
  const long chosen = std::max(
      1L, std::lround(configuration.sample_fraction * static_cast<double>(set.training.size())));
  const long replayed = std::min(chosen, static_cast<long>(set.exemplars.size()));
  return TrainedModel<Model>{std::move(outcome.model), static_cast<int>(chosen + replayed), 0,
                             outcome.start_f1};
}

Result<double> DetectingTask::Settle(Model& model, const std::vector<Item>& held_out) {
  const double before = model.score_threshold();
  EKYA_ASSIGN(const auto found, retrain::FindInPictures(model, held_out));
  const double threshold = retrain::BestThreshold(found, before);
  model.SetScoreThreshold(threshold);
  return retrain::F1From(found, threshold);
}

Result<double> DetectingTask::Measure(Model& model, const std::vector<Item>& items) {
  return retrain::MeasureF1(model, items);
}

int DetectingTask::Objects(const std::vector<Item>& items) {
  std::size_t objects = 0;
  for (const LabelledPicture& item : items) objects += item.objects.size();
  return static_cast<int>(objects);
}

Result<std::vector<profile::Sight>> DetectingTask::SightsOf(
    Model& model, const std::vector<Item>& items, const std::vector<std::size_t>& labelled,
    const std::vector<std::size_t>& cuts, double window_seconds) {
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
