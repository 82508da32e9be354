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
constexpr std::size_t kLanes = 4;

// Three channels and a fourth lane that nobody looks at: a vector register's.
using Pixel = float __attribute__((vector_size(16)));
using Levels = int __attribute__((vector_size(16)));

// What fills an output's line is compiled for wider vectors too. Without fused multiplications,
// which round otherwise: every processor makes the same picture.
#if defined(__x86_64__)
#define EKYA_INLINE inline __attribute__((always_inline))
#define EKYA_WIDE __attribute__((target("avx2")))
bool HasWide() { return __builtin_cpu_supports("avx2") != 0; }
#else
#define EKYA_INLINE inline
#define EKYA_WIDE
bool HasWide() { return false; }
#endif

/// How one side of the picture becomes the output's: each output pixel is a sum of `count` source
/// pixels from its `first` on. Where that is more than it is made of, the last weights are 0.
struct Axis {
  std::size_t count = 0;
  std::vector<int> first;
  std::vector<float> weights;  // `count` for each; their sum is 1
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
void FillAxis(const Span& span, int length, int size, Axis* axis) {
  const double scale = (span.high - span.low) / size;
  const double reach = std::max(scale, 1.0);
  // Pixels outside the box do not mix in; the nearest one inside stands in for them.
  const int lowest = static_cast<int>(std::floor(span.low));
  const int highest = std::min(static_cast<int>(std::ceil(span.high)), length) - 1;
  const auto outputs = static_cast<std::size_t>(size);
  axis->count =
      static_cast<std::size_t>(std::min(std::floor(2 * reach), highest - lowest + 0.0)) + 1;
  axis->first.resize(outputs);
  axis->weights.assign(outputs * axis->count, 0.0F);
  for (int i = 0; i < size; ++i) {
    const double centre = span.low + (i + 0.5) * scale - 0.5;
    const int begin = std::clamp(static_cast<int>(std::ceil(centre - reach)), lowest, highest);
    const int end = std::clamp(static_cast<int>(std::floor(centre + reach)), begin, highest);
    axis->first[static_cast<std::size_t>(i)] = begin;
    float* const weights = axis->weights.data() + static_cast<std::size_t>(i) * axis->count;
    const auto count = static_cast<std::size_t>(end - begin) + 1;
    EKYA_CHECK(count <= axis->count);
    double sum = 0;
    for (int pixel = begin; pixel <= end; ++pixel) {
      const double weight = std::max(1 - std::abs(pixel - centre) / reach, 0.0);
      weights[pixel - begin] = static_cast<float>(weight);
      sum += weight;
    }
    if (sum <= 0) {  // one pixel at the box's edge, further than `reach` from the centre
      std::fill(weights, weights + count, 0.0F);
      weights[0] = 1;
      sum = 1;
    }
    for (std::size_t k = 0; k < count; ++k) weights[k] = static_cast<float>(weights[k] / sum);
  }
}

/// What a crop needs on its way, kept by each thread to spare its memory's coming and going.
struct Workspace {
  Axis across;
  Axis down;
  std::vector<float> line;     // a mean of source rows
  std::vector<Levels> levels;  // an output row's
};

/// `line` becomes the sum of `count` rows of bytes, `stride` apart, with a weight each.
EKYA_INLINE void AddRows(const std::uint8_t* rows, std::size_t stride, const float* weights,
                         std::size_t count, std::size_t values, float* line) {
  // The usual numbers of rows are summed in registers.
  const std::uint8_t* const row0 = rows;
  const std::uint8_t* const row1 = rows + (count > 1 ? stride : 0);
  const std::uint8_t* const row2 = rows + (count > 2 ? 2 * stride : 0);
  const auto number = [](std::uint8_t level) { return static_cast<float>(level); };
  if (count == 1) {
    for (std::size_t i = 0; i < values; ++i) line[i] = weights[0] * number(row0[i]);
  } else if (count == 2) {
    for (std::size_t i = 0; i < values; ++i) {
      line[i] = weights[0] * number(row0[i]) + weights[1] * number(row1[i]);
    }
  } else {
    for (std::size_t i = 0; i < values; ++i) {
      line[i] = weights[0] * number(row0[i]) + weights[1] * number(row1[i]) +
                weights[2] * number(row2[i]);
    }
  }
  for (std::size_t k = 3; k < count; ++k) {
    const std::uint8_t* const row = rows + k * stride;
    for (std::size_t i = 0; i < values; ++i) line[i] += weights[k] * number(row[i]);
  }
}

/// The levels of an output row, of `line`, whose first pixel is the source's `left`. `kCount`: of
/// `across`, or 0 for any.
template <std::size_t kCount>
EKYA_INLINE void SumAcross(const Axis& across, const float* line, std::size_t left,
                           Levels* levels) {
  const std::size_t count = kCount == 0 ? across.count : kCount;
  const float* weights = across.weights.data();
  for (const int first : across.first) {
    const float* source = line + (static_cast<std::size_t>(first) - left) * kChannels;
    Pixel sum = {0.5F, 0.5F, 0.5F, 0};  // rounds
    for (std::size_t k = 0; k < count; ++k) {
      Pixel pixel;
      std::memcpy(&pixel, source + k * kChannels, sizeof(pixel));
      sum += weights[k] * pixel;
    }
    weights += count;
    const Pixel white = {255, 255, 255, 255};
    *levels++ = __builtin_convertvector(sum < white ? sum : white, Levels);
  }
}

/// The rows of bytes that an output row is made of.
struct Rows {
  const std::uint8_t* data = nullptr;
  std::size_t stride = 0;
  const float* weights = nullptr;
  std::size_t count = 0;
  std::size_t values = 0;  // of each row that are read
  std::size_t left = 0;    // the source pixel that they begin with
};

EKYA_INLINE void FillLevelsWith(const Rows& rows, Workspace* work) {
  float* const line = work->line.data();
  AddRows(rows.data, rows.stride, rows.weights, rows.count, rows.values, line);
  Levels* const levels = work->levels.data();
  switch (work->across.count) {
    case 2:
      return SumAcross<2>(work->across, line, rows.left, levels);
    case 3:
      return SumAcross<3>(work->across, line, rows.left, levels);
    case 4:
      return SumAcross<4>(work->across, line, rows.left, levels);
    default:
      return SumAcross<0>(work->across, line, rows.left, levels);
  }
}

EKYA_WIDE void FillLevelsWide(const Rows& rows, Workspace* work) { FillLevelsWith(rows, work); }
void FillLevelsAnywhere(const Rows& rows, Workspace* work) { FillLevelsWith(rows, work); }

/// Calls `write` with each row of the output and its levels, from the top. Rows first: their sums
/// run over neighbouring bytes.
template <typename Write>
void Resize(const Image& image, const Box& box, int size, Write write) {
  thread_local Workspace work;
  const auto columns = Clamp(box.x, box.width, image.width);
  const auto lines = Clamp(box.y, box.height, image.height);
  FillAxis(columns, image.width, size, &work.across);
  FillAxis(lines, image.height, size, &work.down);
  const auto side = static_cast<std::size_t>(size);
  const auto width = static_cast<std::size_t>(image.width);
  Rows rows;
  rows.left = static_cast<std::size_t>(work.across.first.front());
  rows.stride = width * kChannels;
  const std::size_t right =
      std::min(static_cast<std::size_t>(work.across.first.back()) + work.across.count, width);
  rows.values = (right - rows.left) * kChannels;
  // What stands behind is read with a weight of 0, and by the last pixel's fourth lane.
  work.line.assign(rows.values + work.across.count * kChannels + kLanes, 0.0F);
  work.levels.resize(side);
  const bool wide = HasWide();
  for (std::size_t y = 0; y < side; ++y) {
    const auto top = static_cast<std::size_t>(work.down.first[y]);
    rows.data = image.pixels.data() + top * rows.stride + rows.left * kChannels;
    rows.weights = work.down.weights.data() + y * work.down.count;
    // Rows behind the last one have no weight.
    rows.count = std::min(work.down.count, static_cast<std::size_t>(image.height) - top);
    if (wide) {
      FillLevelsWide(rows, &work);
    } else {
      FillLevelsAnywhere(rows, &work);
    }
    write(y, work.levels.data());
  }
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
  std::uint8_t* out = result.pixels.data();
  Resize(image, box, size, [&](std::size_t /*row*/, const Levels* levels) {
    for (std::size_t x = 0; x < side; ++x) {
      for (int channel = 0; channel < kChannels; ++channel) {
        *out++ = static_cast<std::uint8_t>(levels[x][channel]);
      }
    }
  });
  return result;
}

void CropToPlanes(const Image& image, const Box& box, int size, float* planes) {
  EKYA_CHECK(size > 0);
  const auto side = static_cast<std::size_t>(size);
  const std::size_t area = side * side;
  const float* const red = NormalisedLevels(0);
  const float* const green = NormalisedLevels(1);
  const float* const blue = NormalisedLevels(2);
  if (image.empty()) {
    for (int channel = 0; channel < kChannels; ++channel) {
      planes = std::fill_n(planes, area, NormalisedLevels(channel)[0]);
    }
    return;
  }
  Resize(image, box, size, [&](std::size_t row, const Levels* levels) {
    float* const out = planes + row * side;
    for (std::size_t x = 0; x < side; ++x) {
      out[x] = red[levels[x][0]];
      out[area + x] = green[levels[x][1]];
      out[2 * area + x] = blue[levels[x][2]];
    }
  });
}

}  // namespace ekya::models
