#include "stages/retrain/retrainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/torch_classifier.h"
#include "stages/retrain/internal/momentum_sgd.h"
#include "stages/retrain/internal/pool.h"

namespace ekya::retrain {
namespace {

using internal::Augmentation;
using internal::MomentumSgd;
using internal::Pool;
using models::TorchClassifier;

constexpr double kLargestRate = 1e30;  // a float holds it

Error Invalid(const RetrainingConfiguration& configuration, const std::string& text) {
  return {ErrorCode::kInvalid,
          fmt::format("retraining configuration '{}': {}", configuration.id, text)};
}

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

/// A uniform part of 0 .. count - 1, at least one of them.
std::vector<std::size_t> ChoosePart(std::size_t count, double fraction, Random* random) {
  std::vector<std::size_t> chosen(count);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  random->Shuffle(chosen);
  const auto wanted = static_cast<std::size_t>(
      std::max<long>(1, std::lround(fraction * static_cast<double>(count))));
  chosen.resize(std::min(wanted, count));
  return chosen;
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

/// One training in progress.
class Training {
 public:
  Training(TorchClassifier* model, const TrainingSet& set,
           const RetrainingConfiguration& configuration, std::uint64_t seed)
      : model_(*model),
        configuration_(configuration),
        random_(DeriveSeed(seed, "order")),
        pool_(model->shape().input_size),
        stages_(std::min(configuration.trained_stages, model->network().stages())),
        sgd_([&] {
          model_.network().SetTrainedStages(stages_);
          std::vector<torch::Tensor> parameters;
          for (auto& parameter : model_.network().parameters()) {
            if (parameter.requires_grad()) parameters.push_back(parameter);
          }
          return MomentumSgd(std::move(parameters));
        }()) {
    std::vector<std::int64_t> counts(model->classes().size(), 0);
    for (const auto index :
         ChoosePart(set.training.size(), configuration.sample_fraction, &random_)) {
      pool_.Add(set.training[index]);
      ++counts[static_cast<std::size_t>(set.training[index].label)];
    }
    fresh_ = pool_.size();
    for (const auto& exemplar : set.exemplars) pool_.Add(exemplar);
    // As many of the old as of the new: replay costs at most what it protects.
    replayed_ = std::min(set.exemplars.size(), fresh_);
    for (const auto& exemplar : set.exemplars) {
      // A part of them is replayed each time; balance over what is expected of each class.
      expected_exemplars_.resize(counts.size(), 0);
      ++expected_exemplars_[static_cast<std::size_t>(exemplar.label)];
    }
    for (std::size_t i = 0; i < expected_exemplars_.size(); ++i) {
      counts[i] += expected_exemplars_[i] * static_cast<std::int64_t>(replayed_) /
                   static_cast<std::int64_t>(set.exemplars.size());
    }
    class_weights_ = torch::tensor(internal::BalancedWeights(counts));
    const auto minibatches =
        internal::MinibatchSizes(samples_per_epoch(),
                                 static_cast<std::size_t>(configuration.batch_size))
            .size();
    steps_ = static_cast<std::int64_t>(minibatches) * configuration.epochs;
  }

  std::size_t samples_per_epoch() const { return fresh_ + replayed_; }

  /// One pass over the samples. `epoch` counts from 1.
  Status RunEpoch(int epoch, const std::function<bool()>& checkpoint) {
    model_.network().SetTrainedStages(stages_);
    const auto order = Order();
    const auto sizes =
        internal::MinibatchSizes(order.size(), static_cast<std::size_t>(configuration_.batch_size));
    std::size_t begin = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (!checkpoint()) {
        return Error{ErrorCode::kCancelled, fmt::format("training cancelled in epoch {}", epoch)};
      }
      const double loss = RunMinibatch(order, begin, sizes[i]);
      begin += sizes[i];
      // After the last step no loss is left to tell.
      const bool broken = !std::isfinite(loss) || (i + 1 == sizes.size() && !sgd_.WeightsBounded());
      if (broken) {
        return Error{
            ErrorCode::kFailed,
            fmt::format("retraining configuration '{}': epoch {}, minibatch {} of {}: found "
                        "a loss of {}{}, expected finite ones (learning rate {})",
                        configuration_.id, epoch, i + 1, sizes.size(), loss,
                        std::isfinite(loss) ? " and weights that burst" : "",
                        configuration_.learning_rate)};
      }
    }
    model_.network().SetTrainedStages(0);
    return {};
  }

 private:
  /// This epoch's samples in random order: all the fresh ones, and another draw of exemplars.
  std::vector<std::size_t> Order() {
    std::vector<std::size_t> exemplars(pool_.size() - fresh_);
    std::iota(exemplars.begin(), exemplars.end(), fresh_);
    random_.Shuffle(exemplars);
    exemplars.resize(replayed_);
    std::vector<std::size_t> order(fresh_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    order.insert(order.end(), exemplars.begin(), exemplars.end());
    random_.Shuffle(order);
    return order;
  }

  /// Returns the loss before the step.
  double RunMinibatch(const std::vector<std::size_t>& order, std::size_t begin, std::size_t size) {
    // A window of one sample: shown twice, since batch norm needs two values.
    const std::size_t rows = std::max(size, std::size_t{2});
    const int side = pool_.side();
    auto images = torch::empty({static_cast<std::int64_t>(rows), 3, side, side});
    auto labels = torch::empty({static_cast<std::int64_t>(rows)}, torch::kLong);
    const std::size_t values = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t index = order[begin + row % size];
      pool_.Draw(index, configuration_.augmentation ? Augmentation{} : Augmentation::None(),
                 &random_, images.data_ptr<float>() + row * values);
      labels.data_ptr<std::int64_t>()[row] = pool_.label(index);
    }
    const auto loss = torch::nn::functional::cross_entropy(
        model_.network().Forward(images), labels,
        torch::nn::functional::CrossEntropyFuncOptions().weight(class_weights_));
    // On a CPU the value is there: reading it waits for nothing.
    const auto value = loss.item<double>();
    if (!std::isfinite(value)) return value;
    loss.backward();
    sgd_.Step(internal::OneCycle(configuration_.learning_rate, step_++, steps_));
    return value;
  }

  TorchClassifier& model_;
  const RetrainingConfiguration& configuration_;
  Random random_;
  Pool pool_;  // the fresh samples, then the exemplars
  const int stages_;
  MomentumSgd sgd_;
  std::size_t fresh_ = 0;
  std::size_t replayed_ = 0;  // exemplars per epoch
  std::vector<std::int64_t> expected_exemplars_;
  torch::Tensor class_weights_;
  std::int64_t step_ = 0;
  std::int64_t steps_ = 0;
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
  Training training(model, set, configuration, seed);
  outcome.samples_per_epoch = static_cast<int>(training.samples_per_epoch());
  for (int epoch = 1; epoch <= configuration.epochs; ++epoch) {
    const double epoch_start = ThreadCpuSeconds();
    EKYA_RETURN_IF_ERROR(training.RunEpoch(epoch, hooks.checkpoint));
    const double epoch_seconds = ThreadCpuSeconds() - epoch_start;
    EKYA_ASSIGN(const double accuracy, MeasureAccuracy(*model, held_out));
    outcome.accuracy.push_back(accuracy);
    if (!hooks.epoch({epoch, epoch_seconds, accuracy})) break;
  }
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
    return Error{ErrorCode::kFailed, fmt::format("retraining configuration '{}': cannot train: {}",
                                                 configuration.id, exception.what())};
  }
}

}  // namespace ekya::retrain
