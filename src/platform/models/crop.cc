#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "platform/models/classifier.h"

namespace ekya::models {
namespace {

constexpr int kChannels = 3;

// Three channels and a fourth lane that nobody looks at: a vector register's.
using Pixel = float __attribute__((vector_size(16)));
using Levels = int __attribute__((vector_size(16)));

/// What one output pixel is made of: source pixels from `first` on, `count` of them.
struct Taps {
  int first = 0;
  std::size_t start = 0;  // of their weights
  std::size_t count = 0;
};

/// How one side of the picture becomes the output's.
struct Axis {
  std::vector<Taps> taps;      // by output pixel
  std::vector<float> weights;  // of all; each output pixel's sum is 1
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
Axis MakeAxis(const Span& span, int length, int size) {
  const double scale = (span.high - span.low) / size;
  const double reach = std::max(scale, 1.0);
  // Pixels outside the box do not mix in; the nearest one inside stands in for them.
  const int lowest = static_cast<int>(std::floor(span.low));
  const int highest = std::min(static_cast<int>(std::ceil(span.high)), length) - 1;
  Axis axis;
  axis.taps.reserve(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) {
    const double centre = span.low + (i + 0.5) * scale - 0.5;
    const int begin = std::clamp(static_cast<int>(std::ceil(centre - reach)), lowest, highest);
    const int end = std::clamp(static_cast<int>(std::floor(centre + reach)), begin, highest);
    const Taps tap{begin, axis.weights.size(), static_cast<std::size_t>(end - begin) + 1};
    double sum = 0;
    for (int pixel = begin; pixel <= end; ++pixel) {
      const double weight = std::max(1 - std::abs(pixel - centre) / reach, 0.0);
      axis.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    float* const weights = axis.weights.data() + tap.start;
    if (sum <= 0) {  // one pixel at the box's edge, further than `reach` from the centre
      std::fill(weights, weights + tap.count, 0.0F);
      weights[0] = 1;
      sum = 1;
    }
    for (std::size_t k = 0; k < tap.count; ++k) {
      weights[k] = static_cast<float>(weights[k] / sum);
    }
    axis.taps.push_back(tap);
  }
  return axis;
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
  const Axis across = MakeAxis(columns, image.width, size);
  const Axis down = MakeAxis(rows, image.height, size);
  const auto left = static_cast<std::size_t>(across.taps.front().first);
  const Taps& last = across.taps.back();
  const std::size_t values = (static_cast<std::size_t>(last.first) + last.count - left) * kChannels;
  const std::size_t stride = static_cast<std::size_t>(image.width) * kChannels;

  // Rows first: their sums run over neighbouring bytes, which the compiler turns into vectors. One
  // more value, for the last pixel's fourth lane.
  std::vector<float> line(values + 1);
  for (std::size_t y = 0; y < side; ++y) {
    std::fill(line.begin(), line.end(), 0.0F);
    const Taps& row = down.taps[y];
    for (std::size_t k = 0; k < row.count; ++k) {
      const float weight = down.weights[row.start + k];
      const std::uint8_t* source = image.pixels.data() +
                                   (static_cast<std::size_t>(row.first) + k) * stride +
                                   left * kChannels;
      for (std::size_t i = 0; i < values; ++i) line[i] += weight * static_cast<float>(source[i]);
    }
    std::uint8_t* out = result.pixels.data() + y * side * kChannels;
    for (const Taps& tap : across.taps) {
      Pixel sum = {0.5F, 0.5F, 0.5F, 0};  // rounds
      const float* source = line.data() + (static_cast<std::size_t>(tap.first) - left) * kChannels;
      for (std::size_t k = 0; k < tap.count; ++k) {
        Pixel pixel;
        std::memcpy(&pixel, source + k * kChannels, sizeof(pixel));
        sum += across.weights[tap.start + k] * pixel;
      }
      const Pixel white = {255, 255, 255, 255};
      const auto levels = __builtin_convertvector(sum < white ? sum : white, Levels);
      for (int channel = 0; channel < kChannels; ++channel) {
        *out++ = static_cast<std::uint8_t>(levels[channel]);
      }
    }
  }
  return result;
}

}  // namespace ekya::models
