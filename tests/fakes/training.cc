// What stages/retrain gives with LibTorch, for ColourClassifier: epochs, minibatches, checkpoints,
// a loss that may become NaN.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/random.h"
#include "stages/retrain/detector_trainer.h"
#include "stages/retrain/retrainer.h"
#include "tests/fakes/colour_classifier.h"
#include "tests/fakes/middle_detector.h"

namespace ekya::retrain {

Result<TrainingOutcome> Train(const models::Classifier& base, const TrainingSet& set,
                              const RetrainingConfiguration& configuration, std::uint64_t seed,
                              const TrainingHooks& hooks) {
  std::vector<const Sample*> samples;
  for (const auto* part : {&set.training, &set.exemplars}) {
    for (const Sample& sample : *part) samples.push_back(&sample);
  }
  const auto taken = static_cast<std::size_t>(
      std::ceil(configuration.sample_fraction * static_cast<double>(samples.size())));
  if (taken == 0) return Error{ErrorCode::kInvalid, "no training sample"};

  const double began = ThreadCpuSeconds();
  TrainingOutcome outcome;
  auto copy = base.Clone();
  if (!set.new_classes.empty()) {
    EKYA_ASSIGN(copy, base.Grown(set.new_classes));
  }
  auto& model = dynamic_cast<models::ColourClassifier&>(*copy);
  EKYA_ASSIGN(outcome.start_accuracy, MeasureAccuracy(model, set.held_out));
  Random random(seed);
  const auto batch = static_cast<std::size_t>(std::max(1, configuration.batch_size));
  for (int epoch = 1; epoch <= configuration.epochs; ++epoch) {
    const double epoch_began = ThreadCpuSeconds();
    for (std::size_t i = 0; i < taken; ++i) {
      if (i % batch == 0 && !hooks.checkpoint()) return Error{ErrorCode::kCancelled, "cancelled"};
      const Sample& sample = *samples[random.Below(samples.size())];
      const float loss =
          model.Learn(sample.image, sample.label, static_cast<float>(configuration.learning_rate));
      if (!std::isfinite(loss)) {
        return Error{ErrorCode::kFailed, fmt::format("the loss is NaN in epoch {}, minibatch {}",
                                                     epoch, i / batch + 1)};
      }
    }
    TrainingProgress progress{epoch, ThreadCpuSeconds() - epoch_began, 0};
    EKYA_ASSIGN(progress.accuracy, MeasureAccuracy(model, set.held_out));
    outcome.accuracy.push_back(progress.accuracy);
    if (!hooks.epoch(progress)) break;
  }
  outcome.samples_per_epoch = static_cast<int>(taken);
  outcome.cpu_seconds = ThreadCpuSeconds() - began;
  outcome.model = std::move(copy);
  return outcome;
}

Result<DetectorOutcome> TrainDetector(const models::LearningDetector& base,
                                      const DetectorTrainingSet& set,
                                      const RetrainingConfiguration& configuration, std::uint64_t,
                                      const TrainingHooks& hooks) {
  const double began = ThreadCpuSeconds();
  DetectorOutcome outcome;
  auto copy = base.Clone();
  if (!set.new_classes.empty()) {
    EKYA_ASSIGN(copy, base.Grown(set.new_classes));
  }
  auto& model = dynamic_cast<models::MiddleDetector&>(*copy);
  EKYA_ASSIGN(outcome.start_f1, MeasureF1(model, set.held_out));
  const auto taken = static_cast<std::size_t>(
      std::ceil(configuration.sample_fraction * static_cast<double>(set.training.size())));
  for (int epoch = 1; epoch <= configuration.epochs; ++epoch) {
    const double epoch_began = ThreadCpuSeconds();
    for (std::size_t i = 0; i < taken; ++i) {
      if (!hooks.checkpoint()) return Error{ErrorCode::kCancelled, "cancelled"};
      model.Learn(set.training[i], static_cast<float>(configuration.learning_rate));
    }
    TrainingProgress progress{epoch, ThreadCpuSeconds() - epoch_began, 0};
    EKYA_ASSIGN(progress.accuracy, MeasureF1(model, set.held_out));
    outcome.f1.push_back(progress.accuracy);
    if (!hooks.epoch(progress)) break;
  }
  outcome.samples_per_epoch = static_cast<int>(taken);
  outcome.cpu_seconds = ThreadCpuSeconds() - began;
  outcome.model = std::move(copy);
  return outcome;
}

Result<double> MeasureF1(models::LearningDetector& model,
                         const std::vector<LabelledPicture>& pictures) {
  FrameScore score;
  Frame frame;
  for (const LabelledPicture& picture : pictures) {
    frame.image = picture.image;
    EKYA_ASSIGN(const auto found, model.Analyze(frame, 0));
    score += ScoreFrame(found, picture.objects, 0.3);
  }
  return std::max(0.0, score.F1());
}

Result<std::vector<std::vector<float>>> FeaturesOf(models::Classifier& model,
                                                   const std::vector<Sample>& samples) {
  std::vector<const Image*> pictures;
  for (const Sample& sample : samples) pictures.push_back(&sample.image);
  EKYA_ASSIGN(const auto found, model.Classify(pictures, 0));
  std::vector<std::vector<float>> rows;
  for (const Detection& answer : found) {
    rows.push_back({static_cast<float>(answer.class_index), static_cast<float>(answer.score)});
  }
  return rows;
}

}  // namespace ekya::retrain
