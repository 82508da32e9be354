#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/configuration.h"
#include "platform/models/network.h"
#include "stages/retrain/internal/momentum_sgd.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain::internal {

/// kInvalid: `text` of `configuration`, by name.
Error Invalid(const RetrainingConfiguration& configuration, const std::string& text);
/// kFailed: an exception of LibTorch's while it trained under `configuration`.
Error CannotTrain(const RetrainingConfiguration& configuration, const std::exception& exception);

/// Whether `accuracy`, measured after each epoch so far, has not risen over its best for `patience`
/// epochs; 0: never.
bool OnPlateau(const std::vector<double>& accuracy, int patience);

/// One training in progress, whatever its network learns: which samples it takes and in which
/// order, its steps, and what may go wrong. It knows samples by their places: first the new ones
/// that it chose, then the exemplars.
class EpochLoop {
 public:
  /// The loss, a number with a gradient, of a minibatch of the samples at these places.
  using Loss = std::function<torch::Tensor(const std::vector<std::size_t>& places)>;
  /// What the network is worth on the held-out samples.
  using Measure = std::function<Result<double>()>;

  /// Of `offered` new samples takes the part that `configuration` says, at random; of as many
  /// exemplars as new samples an epoch replays a draw. Gradients longer than `largest_gradient` are
  /// shortened to it (0: as MomentumSgd does). `network` and `configuration` outlive it.
  EpochLoop(models::Network& network, const RetrainingConfiguration& configuration,
            std::size_t offered, std::size_t exemplars, std::uint64_t seed,
            double largest_gradient = 0);

  /// From now on an epoch replays `quotas[i]` of the exemplars at the places `groups[i]`, again and
  /// again where they are fewer, instead of a draw of all. There are exemplars.
  void Replay(std::vector<std::vector<std::size_t>> groups, std::vector<std::size_t> quotas);

  /// Of the offered samples: those at the first places, in order.
  const std::vector<std::size_t>& chosen() const { return chosen_; }
  /// Exemplars in each epoch: replay costs at most what it protects.
  std::size_t replayed() const { return replayed_; }
  std::size_t samples_per_epoch() const { return chosen_.size() + replayed_; }
  int stages() const { return stages_; }
  /// What augmentation draws from: part of what a seed determines.
  Random& random() { return random_; }

  /// Every epoch; returns what was measured after each. Errors as Train's. `samples` stands for
  /// what is trained on: asked where a state is kept, so that it is this training's. `held_out`:
  /// whether `measure` has samples to tell anything by; without, there is no early stop.
  Result<std::vector<double>> Run(const TrainingHooks& hooks, const Loss& loss,
                                  const Measure& measure, bool held_out,
                                  const std::function<std::uint64_t()>& samples);

 private:
  /// The state after the last epoch that `path` has of the training `identity`: its epochs, or none
  /// where there is no such file or it cannot be used.
  /// Leaves `step_` where the next epoch begins.
  std::vector<TrainingProgress> Resume(const std::filesystem::path& path,
                                       const std::string& identity);
  Status Keep(const std::filesystem::path& path, const std::string& identity,
              const std::vector<TrainingProgress>& epochs);
  /// What makes this training what it is, as a number in hexadecimal.
  std::string Identity(std::uint64_t samples, int patience) const;
  /// One pass over the samples. `epoch` counts from 1.
  Status RunEpoch(int epoch, const std::function<bool()>& checkpoint, const Loss& loss);
  /// This epoch's places in random order: all the new ones, and another draw of exemplars.
  std::vector<std::size_t> Order();

  models::Network& network_;
  const RetrainingConfiguration& configuration_;
  const std::uint64_t seed_;
  const int stages_;
  Random random_;  // of the epoch: an epoch depends on nothing but the weights and the momentum
  std::vector<std::size_t> chosen_;
  std::vector<std::vector<std::size_t>> groups_;  // places of exemplars
  std::vector<std::size_t> quotas_;               // of each group in an epoch
  std::size_t replayed_;                          // their sum
  const double largest_gradient_;
  std::vector<torch::Tensor> parameters_;  // those that learn
  MomentumSgd sgd_;
  std::int64_t step_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace ekya::retrain::internal
