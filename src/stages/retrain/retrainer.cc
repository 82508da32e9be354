#include "stages/retrain/retrainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/torch_classifier.h"
#include "stages/retrain/internal/classifier_training.h"

namespace ekya::retrain {
namespace {

using internal::ClassifierTraining;
using internal::Invalid;
using models::TorchClassifier;

constexpr double kLargestRate = 1e30;  // a float holds it
constexpr double kLargestDistillation = 100;

/// `least`: -1 where a sample may show what no class stands for.
Status CheckLabels(const RetrainingConfiguration& configuration, const std::vector<Sample>& samples,
                   std::size_t classes, int least) {
  for (const auto& sample : samples) {
    if (sample.label < least || sample.label >= static_cast<int>(classes)) {
      return Invalid(configuration, fmt::format("found a sample of class {}, expected 0 to {}: the "
                                                "classes of the model",
                                                sample.label, classes - 1));
    }
  }
  return {};
}

Result<TrainingOutcome> TrainCopy(const models::Classifier& base, const TrainingSet& set,
                                  const RetrainingConfiguration& configuration, std::uint64_t seed,
                                  const TrainingHooks& hooks) {
  const double start = ThreadCpuSeconds();
  models::ComputeWithOneThread();
  std::unique_ptr<models::Classifier> copy;
  if (set.new_classes.empty()) {
    copy = base.Clone();
  } else {
    auto grown = base.Grown(set.new_classes);
    if (!grown.ok()) return Invalid(configuration, grown.error().message);
    copy = std::move(*grown);
  }
  auto* model = dynamic_cast<TorchClassifier*>(copy.get());
  EKYA_CHECK(model != nullptr, "only a TorchClassifier trains");

  TrainingOutcome outcome;
  const bool new_head =
      configuration.last_hidden != 0 && configuration.last_hidden != model->shape().last_hidden;
  // The copy is its own teacher before its first step, unless it lacks the old head or has more
  // classes than one can be taught about.
  std::unique_ptr<models::Classifier> other;
  if (configuration.distillation > 0 &&
      (set.teacher != nullptr || new_head || !set.new_classes.empty())) {
    other = set.teacher != nullptr ? set.teacher->Clone() : base.Clone();
    EKYA_RETURN_IF_ERROR(other->MoveTo(model->device()));
  }
  if (new_head) {
    EKYA_ASSIGN(outcome.start_accuracy, MeasureAccuracy(*model, set.held_out));
    model->RemakeHead(configuration.last_hidden, DeriveSeed(seed, "head"));
  }
  ClassifierTraining training(model, other ? dynamic_cast<TorchClassifier*>(other.get()) : model,
                              set, configuration, seed);
  outcome.once_cpu_seconds = ThreadCpuSeconds() - start;
  if (!new_head) outcome.start_accuracy = training.Measure();
  outcome.samples_per_epoch = static_cast<int>(training.loop().samples_per_epoch());
  EKYA_ASSIGN(outcome.accuracy,
              training.loop().Run(
                  hooks, [&](const auto& places) { return training.Loss(places); },
                  [&] { return training.Measure(); }, !set.held_out.empty(),
                  [&] { return training.Digest(); }));
  outcome.model = std::move(copy);
  outcome.cpu_seconds = ThreadCpuSeconds() - start;
  return outcome;
}

}  // namespace

Status CheckConfiguration(const RetrainingConfiguration& configuration) {
  const auto refuse = [&](const char* key, double found, const char* expected) -> Status {
    return Invalid(configuration, fmt::format("{}: found {}, expected {}", key, found, expected));
  };
  const auto& c = configuration;
  if (c.epochs < 1) return refuse("epochs", c.epochs, "at least 1");
  if (c.batch_size < 1) return refuse("batch_size", c.batch_size, "at least 1");
  if (c.trained_stages < 1) return refuse("trained_stages", c.trained_stages, "at least 1");
  if (c.last_hidden < 0 || c.last_hidden > models::kLargestHidden) {
    return refuse("last_hidden", c.last_hidden, "0 to 8192");
  }
  if (!(c.sample_fraction > 0 && c.sample_fraction <= 1)) {
    return refuse("sample_fraction", c.sample_fraction, "more than 0 and at most 1");
  }
  if (!(c.distillation >= 0 && c.distillation <= kLargestDistillation)) {
    return refuse("distillation", c.distillation, "0 to 100");
  }
  if (!(c.learning_rate > 0 && c.learning_rate <= kLargestRate)) {
    return refuse("learning_rate", c.learning_rate, "more than 0 and at most 1e30");
  }
  return {};
}

Result<TrainingOutcome> Train(const models::Classifier& base, const TrainingSet& set,
                              const RetrainingConfiguration& configuration, std::uint64_t seed,
                              const TrainingHooks& hooks) {
  EKYA_RETURN_IF_ERROR(CheckConfiguration(configuration));
  if (set.training.empty()) {
    return Invalid(configuration, "found no training sample, expected at least one");
  }
  const std::size_t classes = base.classes().size() + set.new_classes.size();
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.training, classes, 0));
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.exemplars, classes, 0));
  EKYA_RETURN_IF_ERROR(CheckLabels(configuration, set.held_out, classes, -1));
  try {
    return TrainCopy(base, set, configuration, seed, hooks);
  } catch (const std::exception& exception) {
    return internal::CannotTrain(configuration, exception);
  }
}

Result<std::vector<std::vector<float>>> FeaturesOf(models::Classifier& model,
                                                   const std::vector<Sample>& samples) {
  auto* classifier = dynamic_cast<TorchClassifier*>(&model);
  EKYA_CHECK(classifier != nullptr, "only a TorchClassifier has features");
  models::ComputeWithOneThread();
  try {
    return internal::FeatureRows(*classifier, samples);
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed, fmt::format("{}: cannot compute features: {}",
                                                 model.shape().architecture, exception.what())};
  }
}

}  // namespace ekya::retrain
