#include "core/significance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "base/random.h"

namespace ekya {
namespace {

constexpr std::size_t kExactFlips = 12;
constexpr int kRandomFlips = 4000;
// Sums of the same differences in another order are equal.
constexpr double kEqual = 1e-9;

double LogChoose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

}  // namespace

double SignTest(int wins, int losses) {
  const int compared = wins + losses;
  if (compared <= 0) return 0.5;
  const auto probability = [&](int k) {
    return std::exp(LogChoose(compared, k) - compared * std::log(2.0));
  };
  double p = probability(wins) / 2;
  for (int k = wins + 1; k <= compared; ++k) p += probability(k);
  return std::min(p, 1.0);
}

double SignFlipTest(const std::vector<double>& differences, std::uint64_t seed) {
  std::vector<double> sizes;
  double sum = 0;
  int wins = 0;
  bool one_size = true;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    sum += difference;
    wins += difference > 0 ? 1 : 0;
    one_size = one_size && std::abs(sizes.back() - sizes.front()) < kEqual;
  }
  if (one_size) return SignTest(wins, static_cast<int>(sizes.size()) - wins);
  const double all = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  double above = 0;
  const auto count = [&](double flipped) {
    if (std::abs(flipped - sum) < kEqual * std::max(1.0, all)) {
      above += 0.5;
    } else if (flipped > sum) {
      above += 1;
    }
  };
  if (sizes.size() <= kExactFlips) {
    const std::uint64_t ways = std::uint64_t{1} << sizes.size();
    for (std::uint64_t way = 0; way < ways; ++way) {
      double flipped = all;
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        if ((way >> i & 1) != 0) flipped -= 2 * sizes[i];
      }
      count(flipped);
    }
    return above / static_cast<double>(ways);
  }
  Random random(seed);
  for (int flip = 0; flip < kRandomFlips; ++flip) {
    double flipped = all;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (i % 64 == 0) bits = random.Bits();
      if ((bits >> (i % 64) & 1) != 0) flipped -= 2 * sizes[i];
    }
    count(flipped);
  }
  // What was seen is one of the ways.
  return (above + 0.5) / (kRandomFlips + 1);
}

double FewerTest(int right_before, int count_before, int right, int count) {
  if (count_before <= 0 || count <= 0) return 0.5;
  const double all = count_before + count;
  const double all_right = right_before + right;
  const double whole = LogChoose(all, all_right);
  const auto probability = [&](double k) {
    return std::exp(LogChoose(count, k) + LogChoose(count_before, all_right - k) - whole);
  };
  const int least = std::max(0, right_before + right - count_before);
  double p = probability(right) / 2;
  for (int k = right - 1; k >= least; --k) p += probability(k);
  return std::min(p, 1.0);
}

}  // namespace ekya
