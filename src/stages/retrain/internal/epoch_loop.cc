#include "stages/retrain/internal/epoch_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "stages/retrain/internal/pool.h"

namespace ekya::retrain::internal {
namespace {

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

/// The parameters of the last `stages` stages, which take gradients from now on.
std::vector<torch::Tensor> Learning(models::Network& network, int stages) {
  network.SetTrainedStages(stages);
  std::vector<torch::Tensor> parameters;
  for (auto& parameter : network.parameters()) {
    if (parameter.requires_grad()) parameters.push_back(parameter);
  }
  return parameters;
}

}  // namespace

Error Invalid(const RetrainingConfiguration& configuration, const std::string& text) {
  return {ErrorCode::kInvalid,
          fmt::format("retraining configuration '{}': {}", configuration.id, text)};
}

Error CannotTrain(const RetrainingConfiguration& configuration, const std::exception& exception) {
  return {ErrorCode::kFailed, fmt::format("retraining configuration '{}': cannot train: {}",
                                          configuration.id, exception.what())};
}

EpochLoop::EpochLoop(models::Network& network, const RetrainingConfiguration& configuration,
                     std::size_t offered, std::size_t exemplars, std::uint64_t seed,
                     double largest_gradient)
    : network_(network),
      configuration_(configuration),
      seed_(seed),
      stages_(std::min(configuration.trained_stages, network.stages())),
      random_(DeriveSeed(seed, "order")),
      chosen_(ChoosePart(offered, configuration.sample_fraction, &random_)),
      replayed_(std::min(exemplars, chosen_.size())),
      largest_gradient_(largest_gradient),
      parameters_(Learning(network, stages_)),
      sgd_(parameters_) {
  std::vector<std::size_t> all(exemplars);
  std::iota(all.begin(), all.end(), chosen_.size());
  Replay({std::move(all)}, {replayed_});
}

void EpochLoop::Replay(std::vector<std::vector<std::size_t>> groups,
                       std::vector<std::size_t> quotas) {
  groups_ = std::move(groups);
  quotas_ = std::move(quotas);
  replayed_ = std::accumulate(quotas_.begin(), quotas_.end(), std::size_t{0});
  const auto minibatches =
      MinibatchSizes(samples_per_epoch(), static_cast<std::size_t>(configuration_.batch_size))
          .size();
  steps_ = static_cast<std::int64_t>(minibatches) * configuration_.epochs;
}

bool OnPlateau(const std::vector<double>& accuracy, int patience) {
  if (patience <= 0 || accuracy.empty()) return false;
  const auto best = std::max_element(accuracy.begin(), accuracy.end());
  return accuracy.end() - best > patience;
}

Result<std::vector<double>> EpochLoop::Run(const TrainingHooks& hooks, const Loss& loss,
                                           const Measure& measure, bool held_out,
                                           const std::function<std::uint64_t()>& samples) {
  const int patience = held_out ? hooks.patience : 0;
  std::string identity;
  std::vector<TrainingProgress> epochs;
  if (!hooks.state_file.empty()) {
    identity = Identity(samples(), patience);
    epochs = Resume(hooks.state_file, identity);
  }
  std::vector<double> measured;
  bool more = true;
  bool last = false;
  // What was measured decides alone, so that a resumed training ends where it would have ended.
  const auto take = [&](const TrainingProgress& progress) {
    last = static_cast<int>(measured.size()) + 1 >= configuration_.epochs ||
           OnPlateau(measured, patience);
    measured.push_back(progress.accuracy);
    more = more && hooks.epoch(progress);
  };
  for (const auto& epoch : epochs) take(epoch);
  while (more && !last) {
    TrainingProgress progress;
    progress.epoch = static_cast<int>(measured.size()) + 1;
    const std::int64_t steps = steps_ / configuration_.epochs;
    if (OnPlateau(measured, patience)) step_ = steps_ - steps;
    const double start = ThreadCpuSeconds();
    EKYA_RETURN_IF_ERROR(RunEpoch(progress.epoch, hooks.checkpoint, loss));
    progress.epoch_cpu_seconds = ThreadCpuSeconds() - start;
    EKYA_ASSIGN(progress.accuracy, measure());
    epochs.push_back(progress);
    if (!hooks.state_file.empty()) {
      // A full disk must not keep a stream from its better model.
      if (const Status kept = Keep(hooks.state_file, identity, epochs); !kept.ok()) {
        Log(LogLevel::kWarning, configuration_.id, "a crash would lose this training: {}",
            kept.error().message);
      }
    }
    take(progress);
  }
  return measured;
}

Status EpochLoop::RunEpoch(int epoch, const std::function<bool()>& checkpoint, const Loss& loss) {
  network_.SetTrainedStages(stages_);
  random_ = Random(DeriveSeed(seed_, fmt::format("epoch-{}", epoch)));
  const auto order = Order();
  const auto sizes =
      MinibatchSizes(order.size(), static_cast<std::size_t>(configuration_.batch_size));
  std::size_t begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!checkpoint()) {
      return Error{ErrorCode::kCancelled, fmt::format("training cancelled in epoch {}", epoch)};
    }
    // A window of one sample: shown twice, since batch norm needs two values.
    std::vector<std::size_t> places(std::max(sizes[i], std::size_t{2}));
    for (std::size_t row = 0; row < places.size(); ++row) {
      places[row] = order[begin + row % sizes[i]];
    }
    begin += sizes[i];
    const auto found = loss(places);
    // On a processor the value is there: reading it waits for nothing. For a CUDA device the thread
    // waits here, once a minibatch: so its processor time is about the device's, by which it is
    // paced and which training is said to take; the next minibatch is drawn meanwhile.
    const auto value = found.item<double>();
    if (std::isfinite(value)) {
      found.backward();
      if (largest_gradient_ > 0) torch::nn::utils::clip_grad_norm_(parameters_, largest_gradient_);
      sgd_.Step(OneCycle(configuration_.learning_rate, step_++, steps_));
    }
    // After the last step no loss is left to tell.
    if (!std::isfinite(value) || (i + 1 == sizes.size() && !sgd_.WeightsBounded())) {
      return Error{ErrorCode::kFailed,
                   fmt::format("retraining configuration '{}': epoch {}, minibatch {} of {}: found "
                               "a loss of {}{}, expected finite ones (learning rate {})",
                               configuration_.id, epoch, i + 1, sizes.size(), value,
                               std::isfinite(value) ? " and weights that burst" : "",
                               configuration_.learning_rate)};
    }
  }
  network_.SetTrainedStages(0);
  return {};
}

std::vector<std::size_t> EpochLoop::Order() {
  std::vector<std::size_t> order(chosen_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    std::vector<std::size_t> exemplars = groups_[i];
    random_.Shuffle(exemplars);
    for (std::size_t k = 0; k < quotas_[i]; ++k) order.push_back(exemplars[k % exemplars.size()]);
  }
  random_.Shuffle(order);
  return order;
}

}  // namespace ekya::retrain::internal
