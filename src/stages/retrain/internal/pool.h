#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "core/frame.h"

namespace ekya::retrain::internal {

/// How strongly a picture is varied each time it is shown to a training.
struct Augmentation {
  bool flip = true;          ///< Mirror every second one.
  double shift = 1.0 / 16;   ///< Largest shift, as a part of the side.
  double brightness = 0.15;  ///< Largest change, as a part of the full range.
  double contrast = 0.25;    ///< Largest relative change.

  /// Every picture as it is.
  static Augmentation None() { return {false, 0, 0, 0}; }
};

/// The pictures of one training, at the network's input size, and how they become minibatches.
class Pool {
 public:
  explicit Pool(int side) : side_(side) {}

  /// Takes a copy of the sample's picture, resized.
  void Add(const Sample& sample);
  std::size_t size() const { return labels_.size(); }
  int side() const { return side_; }
  int label(std::size_t index) const { return labels_[index]; }

  /// A number that stands for all pictures and labels.
  std::uint64_t Digest() const;

  /// Writes the picture `index`, varied by `random`, as 3 x side x side normalised floats.
  void Draw(std::size_t index, const Augmentation& augmentation, Random* random, float* out) const;

 private:
  const int side_;
  std::vector<std::uint8_t> planes_;  // 3 x side x side each
  std::vector<int> labels_;
};

/// How much each of `classes` counts in the loss, so that a rare class weighs about as much as a
/// common one; within a factor of 5 of the mean, or the few samples of a very rare class would
/// rule. A class without a sample has weight 1.
std::vector<float> BalancedWeights(const std::vector<std::int64_t>& counts);

/// How many exemplars of each class an epoch replays beside `fresh` new samples of it, so that the
/// classes come as evenly as `replayed` exemplars can make them; of each of the `exemplars` kept at
/// most twice.
std::vector<std::size_t> ReplayQuotas(const std::vector<std::int64_t>& fresh,
                                      const std::vector<std::int64_t>& exemplars,
                                      std::size_t replayed);

/// One-cycle learning rate (Smith 2018): from a tenth up to `peak` in the first quarter of the
/// steps, then down to a hundredth, by half cosines. `step` in 0 .. steps - 1.
double OneCycle(double peak, std::int64_t step, std::int64_t steps);

/// `count` samples in minibatches of `batch_size`: the sizes of each. No minibatch of one where
/// there are two samples, since batch norm has no variance of one value: a lone rest joins the one
/// before.
std::vector<std::size_t> MinibatchSizes(std::size_t count, std::size_t batch_size);

}  // namespace ekya::retrain::internal
