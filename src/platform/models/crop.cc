#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "platform/models/classifier.h"

namespace ekya::models {
namespace {

constexpr int kChannels = 3;

/// What one output pixel is made of: `weights` of the source pixels from `first` on; sum 1.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

/// The part [low, high) of `length` pixels that is read; at least one pixel wide.
struct Span {
  double low = 0;
  double high = 0;
};

Span Clamp(double start, double extent, int length) {
  Span span{std::max(start, 0.0), std::min(start + extent, static_cast<double>(length))};
  if (!(span.high - span.low >= 1)) {  // also where a number is NaN
    span.low = start > 0 ? std::min(std::floor(start), length - 1.0) : 0;
    span.high = span.low + 1;
  }
  return span;
}

/// A triangle as wide as two output pixels, or two source pixels where the picture grows: plain
/// bilinear when growing, an average when shrinking.
std::vector<Taps> MakeTaps(const Span& span, int length, int size) {
  const double scale = (span.high - span.low) / size;
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> taps(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    auto& tap = taps[static_cast<std::size_t>(i)];
    const double centre = span.low + (i + 0.5) * scale - 0.5;
    // Pixels outside the box do not mix in; the nearest one inside stands in for them.
    const int lowest = static_cast<int>(std::floor(span.low));
    const int highest = std::min(static_cast<int>(std::ceil(span.high)), length) - 1;
    const int begin = std::clamp(static_cast<int>(std::ceil(centre - reach)), lowest, highest);
    const int end = std::clamp(static_cast<int>(std::floor(centre + reach)), begin, highest);
    tap.first = begin;
    double sum = 0;
    for (int pixel = begin; pixel <= end; ++pixel) {
      const double weight = std::max(1 - std::abs(pixel - centre) / reach, 0.0);
      tap.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    if (sum <= 0) {  // one pixel at the box's edge, further than `reach` from the centre
      std::fill(tap.weights.begin(), tap.weights.end(), 0.0F);
      tap.weights.front() = 1;
      sum = 1;
    }
    for (auto& weight : tap.weights) weight = static_cast<float>(weight / sum);
  }
  return taps;
}

}  // namespace

const float* NormalisedLevels(int channel) {
  static const auto levels = [] {
    constexpr double kMean[] = {0.485, 0.456, 0.406};
    constexpr double kDeviation[] = {0.229, 0.224, 0.225};
    std::array<std::array<float, 256>, 3> table{};
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t level = 0; level < 256; ++level) {
        table[c][level] =
            static_cast<float>((static_cast<double>(level) / 255 - kMean[c]) / kDeviation[c]);
      }
    }
    return table;
  }();
  return levels[static_cast<std::size_t>(channel)].data();
}

Image CropAndResize(const Image& image, const Box& box, int size) {
  EKYA_CHECK(size > 0);
  const auto side = static_cast<std::size_t>(size);
  Image result{size, size, std::vector<std::uint8_t>(side * side * kChannels)};
  if (image.empty()) return result;

  const auto columns = Clamp(box.x, box.width, image.width);
  const auto rows = Clamp(box.y, box.height, image.height);
  const auto column_taps = MakeTaps(columns, image.width, size);
  const auto row_taps = MakeTaps(rows, image.height, size);
  const auto left = static_cast<std::size_t>(column_taps.front().first);
  const auto& last = column_taps.back();
  const std::size_t values =
      (static_cast<std::size_t>(last.first) + last.weights.size() - left) * kChannels;
  const std::size_t stride = static_cast<std::size_t>(image.width) * kChannels;

  // Rows first: their sums run over neighbouring bytes, which the compiler turns into vectors.
  std::vector<float> line(values);
  for (std::size_t y = 0; y < side; ++y) {
    std::fill(line.begin(), line.end(), 0.0F);
    auto row = static_cast<std::size_t>(row_taps[y].first);
    for (const float weight : row_taps[y].weights) {
      const std::uint8_t* source = image.pixels.data() + row++ * stride + left * kChannels;
      for (std::size_t i = 0; i < values; ++i) line[i] += weight * static_cast<float>(source[i]);
    }
    std::uint8_t* out = result.pixels.data() + y * side * kChannels;
    for (const auto& tap : column_taps) {
      float sums[kChannels] = {0.5F, 0.5F, 0.5F};  // rounds
      const float* source = line.data() + (static_cast<std::size_t>(tap.first) - left) * kChannels;
      for (const float weight : tap.weights) {
        for (int channel = 0; channel < kChannels; ++channel) {
          sums[channel] += weight * *source++;
        }
      }
      for (const float sum : sums) *out++ = static_cast<std::uint8_t>(std::min(sum, 255.0F));
    }
  }
  return result;
}

}  // namespace ekya::models
