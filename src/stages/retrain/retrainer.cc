#include "stages/retrain/retrainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/torch_classifier.h"
#include "stages/retrain/internal/epoch_loop.h"
#include "stages/retrain/internal/pool.h"

namespace ekya::retrain {
namespace {

using internal::Augmentation;
using internal::EpochLoop;
using internal::Invalid;
using internal::Pool;
using models::TorchClassifier;

constexpr double kLargestRate = 1e30;  // a float holds it

Status CheckLabels(const RetrainingConfiguration& configuration, const std::vector<Sample>& samples,
                   std::size_t classes) {
  for (const auto& sample : samples) {
    if (sample.label < 0 || sample.label >= static_cast<int>(classes)) {
      return Invalid(configuration, fmt::format("found a sample of class {}, expected 0 to {}: the "
                                                "classes of the model",
                                                sample.label, classes - 1));
    }
  }
  return {};
}

/// Held-out samples at the network's input size, so that every epoch's measuring need not resize.
std::vector<Sample> Resize(const std::vector<Sample>& samples, int side) {
  std::vector<Sample> resized;
  resized.reserve(samples.size());
  for (const auto& sample : samples) {
    const Box whole{0, 0, static_cast<double>(sample.image.width),
                    static_cast<double>(sample.image.height)};
    resized.push_back(
        {models::CropAndResize(sample.image, whole, side), sample.label, sample.time_seconds});
  }
  return resized;
}

/// What a classifier learns from: its samples at the network's input size and their losses.
class ClassifierTraining {
 public:
  ClassifierTraining(TorchClassifier* model, const TrainingSet& set,
                     const RetrainingConfiguration& configuration, std::uint64_t seed)
      : model_(*model),
        augmentation_(configuration.augmentation ? Augmentation{} : Augmentation::None()),
        loop_(model->network(), configuration, set.training.size(), set.exemplars.size(), seed),
        pool_(model->shape().input_size) {
    std::vector<std::int64_t> counts(model->classes().size(), 0);
    for (const auto index : loop_.chosen()) {
      pool_.Add(set.training[index]);
      ++counts[static_cast<std::size_t>(set.training[index].label)];
    }
    // A part of the exemplars is replayed each time; balance over what is expected of each class.
    std::vector<std::int64_t> exemplars(counts.size(), 0);
    for (const auto& exemplar : set.exemplars) {
      pool_.Add(exemplar);
      ++exemplars[static_cast<std::size_t>(exemplar.label)];
    }
    for (std::size_t i = 0; i < counts.size() && !set.exemplars.empty(); ++i) {
      counts[i] += exemplars[i] * static_cast<std::int64_t>(loop_.replayed()) /
                   static_cast<std::int64_t>(set.exemplars.size());
    }
    class_weights_ = torch::tensor(internal::BalancedWeights(counts));
  }

  EpochLoop& loop() { return loop_; }

  torch::Tensor Loss(const std::vector<std::size_t>& places) {
    const int side = pool_.side();
    const auto rows = static_cast<std::int64_t>(places.size());
    auto images = torch::empty({rows, 3, side, side});
    auto labels = torch::empty({rows}, torch::kLong);
    const std::size_t values = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    for (std::size_t row = 0; row < places.size(); ++row) {
      pool_.Draw(places[row], augmentation_, &loop_.random(),
                 images.data_ptr<float>() + row * values);
      labels.data_ptr<std::int64_t>()[row] = pool_.label(places[row]);
    }
    return torch::nn::functional::cross_entropy(
        model_.network().Forward(images), labels,
        torch::nn::functional::CrossEntropyFuncOptions().weight(class_weights_));
  }

 private:
  TorchClassifier& model_;
  const Augmentation augmentation_;
  EpochLoop loop_;
  Pool pool_;  // by place
  torch::Tensor class_weights_;
};

Result<TrainingOutcome> TrainCopy(std::unique_ptr<models::Classifier> copy, const TrainingSet& set,
                                  const RetrainingConfiguration& configuration, std::uint64_t seed,
                                  const TrainingHooks& hooks) {
  const double start = ThreadCpuSeconds();
  auto* model = dynamic_cast<TorchClassifier*>(copy.get());
  EKYA_CHECK(model != nullptr, "only a TorchClassifier trains");
  models::ComputeWithOneThread();

  TrainingOutcome outcome;
  const auto held_out = Resize(set.held_out, model->shape().input_size);
  EKYA_ASSIGN(outcome.start_accuracy, MeasureAccuracy(*model, held_out));
  if (configuration.last_hidden != 0 && configuration.last_hidden != model->shape().last_hidden) {
    model->RemakeHead(configuration.last_hidden, DeriveSeed(seed, "head"));
  }
  ClassifierTraining training(model, set, configuration, seed);
  outcome.samples_per_epoch = static_cast<int>(training.loop().samples_per_epoch());
  EKYA_ASSIGN(outcome.accuracy,
              training.loop().Run(
                  hooks, [&](const auto& places) { return training.Loss(places); },
                  [&] { return MeasureAccuracy(*model, held_out); }));
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
  for (const auto* samples : {&set.training, &set.exemplars, &set.held_out}) {
    EKYA_RETURN_IF_ERROR(CheckLabels(configuration, *samples, base.classes().size()));
  }
  try {
    return TrainCopy(base.Clone(), set, configuration, seed, hooks);
  } catch (const std::exception& exception) {
    return internal::CannotTrain(configuration, exception);
  }
}

}  // namespace ekya::retrain
