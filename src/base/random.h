#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string_view>
#include <utility>

namespace ekya {

/// A random source whose numbers depend on nothing but the seed: the same on every machine and with
/// every standard library (std's distributions are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t Bits() { return engine_(); }
  /// Uniform in [0, 1).
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  /// Uniform in 0 .. count - 1; count > 0.
  std::size_t Below(std::size_t count) {
    return static_cast<std::size_t>(Uniform() * static_cast<double>(count));
  }
  /// Standard normal (Box and Muller 1958).
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }
  /// Fisher and Yates; in place.
  template <typename Container>
  void Shuffle(Container& items) {
    using std::swap;
    for (std::size_t i = items.size(); i > 1; --i) swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

/// A seed for the part `name` of something seeded by `seed`: parts do not share a sequence
/// (FNV-1a).
inline std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 14695981039346656037ULL ^ seed;
  hash *= 1099511628211ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

}  // namespace ekya
