#include "stages/retrain/internal/pool.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "base/check.h"
#include "platform/models/classifier.h"

namespace ekya::retrain::internal {
namespace {

constexpr double kWeightBound = 5;
constexpr double kWarmUp = 0.25;
constexpr double kFirstRate = 0.1;
constexpr double kLastRate = 0.01;

/// From `low` at x = 0 to `high` at x = 1, flat at both ends.
double HalfCosine(double low, double high, double x) {
  return low + (high - low) * 0.5 * (1 - std::cos(std::numbers::pi * x));
}

}  // namespace

void Pool::Add(const Sample& sample) {
  const Box whole{0, 0, static_cast<double>(sample.image.width),
                  static_cast<double>(sample.image.height)};
  const Image square = models::CropAndResize(sample.image, whole, side_);
  const std::size_t area = square.pixels.size() / 3;
  const std::size_t start = planes_.size();
  planes_.resize(start + square.pixels.size());
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::uint8_t* plane = planes_.data() + start + channel * area;
    for (std::size_t i = 0; i < area; ++i) plane[i] = square.pixels[3 * i + channel];
  }
  labels_.push_back(sample.label);
}

std::uint64_t Pool::Digest() const {
  const std::string_view pixels(reinterpret_cast<const char*>(planes_.data()), planes_.size());
  const std::string_view labels(reinterpret_cast<const char*>(labels_.data()),
                                labels_.size() * sizeof(int));
  return DeriveSeed(DeriveSeed(static_cast<std::uint64_t>(side_), pixels), labels);
}

void Pool::Draw(std::size_t index, const Augmentation& augmentation, Random* random,
                float* out) const {
  const auto largest_shift = static_cast<int>(std::lround(augmentation.shift * side_));
  const auto shift = [&] {
    return static_cast<int>(random->Below(static_cast<std::size_t>(2 * largest_shift + 1))) -
           largest_shift;
  };
  const bool flip = augmentation.flip && random->Uniform() < 0.5;
  const int right = shift();
  const int down = shift();
  const double contrast = 1 + augmentation.contrast * random->Uniform(-1, 1);
  const double brightness = augmentation.brightness * random->Uniform(-1, 1);

  // The edge's pixels stand in for those that a shift brings in.
  const auto side = static_cast<std::size_t>(side_);
  std::vector<std::size_t> columns(side);
  for (int x = 0; x < side_; ++x) {
    const int source = std::clamp((flip ? side_ - 1 - x : x) + right, 0, side_ - 1);
    columns[static_cast<std::size_t>(x)] = static_cast<std::size_t>(source);
  }
  for (int channel = 0; channel < 3; ++channel) {
    // Brightness, contrast and the network's normalisation are one line: out = slope x + level.
    const float* levels = models::NormalisedLevels(channel);
    const double unit = static_cast<double>(levels[255]) - static_cast<double>(levels[0]);
    const auto slope = static_cast<float>(contrast * unit / 255);
    const auto level = static_cast<float>(static_cast<double>(levels[0]) +
                                          unit * (0.5 * (1 - contrast) + brightness));
    const std::uint8_t* plane =
        planes_.data() + (3 * index + static_cast<std::size_t>(channel)) * side * side;
    for (int y = 0; y < side_; ++y) {
      const auto source = static_cast<std::size_t>(std::clamp(y + down, 0, side_ - 1));
      const std::uint8_t* row = plane + source * side;
      for (const std::size_t x : columns) *out++ = slope * static_cast<float>(row[x]) + level;
    }
  }
}

std::vector<float> BalancedWeights(const std::vector<std::int64_t>& counts) {
  std::int64_t total = 0;
  std::int64_t present = 0;
  for (const auto count : counts) {
    total += count;
    present += count > 0 ? 1 : 0;
  }
  std::vector<float> weights;
  for (const auto count : counts) {
    const double weight = count == 0 ? 1
                                     : static_cast<double>(total) / (static_cast<double>(present) *
                                                                     static_cast<double>(count));
    weights.push_back(static_cast<float>(std::clamp(weight, 1 / kWeightBound, kWeightBound)));
  }
  return weights;
}

std::vector<std::size_t> ReplayQuotas(const std::vector<std::int64_t>& fresh,
                                      const std::vector<std::int64_t>& exemplars,
                                      std::size_t replayed) {
  // As water runs: the class that is shown least takes the next.
  std::vector<std::size_t> quotas(fresh.size(), 0);
  for (std::size_t i = 0; i < replayed; ++i) {
    std::size_t least = fresh.size();
    std::int64_t shown = 0;
    for (std::size_t label = 0; label < fresh.size(); ++label) {
      const auto own = static_cast<std::int64_t>(quotas[label]);
      if (own >= 2 * exemplars[label]) continue;
      if (least < fresh.size() && fresh[label] + own >= shown) continue;
      least = label;
      shown = fresh[label] + own;
    }
    if (least == fresh.size()) break;
    ++quotas[least];
  }
  return quotas;
}

double OneCycle(double peak, std::int64_t step, std::int64_t steps) {
  EKYA_CHECK(step >= 0 && step < steps);
  const double progress = (static_cast<double>(step) + 0.5) / static_cast<double>(steps);
  if (progress < kWarmUp) return HalfCosine(peak * kFirstRate, peak, progress / kWarmUp);
  return HalfCosine(peak, peak * kLastRate, (progress - kWarmUp) / (1 - kWarmUp));
}

std::vector<std::size_t> MinibatchSizes(std::size_t count, std::size_t batch_size) {
  EKYA_CHECK(batch_size > 0);
  batch_size = std::max(batch_size, std::size_t{2});
  std::vector<std::size_t> sizes;
  for (; count > 0; count -= sizes.back()) {
    sizes.push_back(count == batch_size + 1 ? count : std::min(count, batch_size));
  }
  return sizes;
}

}  // namespace ekya::retrain::internal
