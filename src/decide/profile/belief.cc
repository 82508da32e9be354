#include "decide/profile/belief.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "decide/profile/micro_profiler.h"

namespace ekya::profile {
namespace {

// Prior of an accuracy nobody has measured anything like: anywhere.
constexpr double kMean = 0.5;
constexpr double kAnywhere = 0.5;
// Keeps the matrix of equal measurements regular.
constexpr double kJitter = 1e-6;

double Square(double value) { return value * value; }

/// Cholesky factor of a symmetric positive definite matrix, in place, lower part.
void Factorise(std::vector<double>& a, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    double* const row_j = &a[j * n];
    for (std::size_t i = j; i < n; ++i) {
      double* const row_i = &a[i * n];
      double sum = row_i[j];
      for (std::size_t k = 0; k < j; ++k) sum -= row_i[k] * row_j[k];
      if (i == j) {
        row_j[j] = std::sqrt(std::max(sum, kJitter));
      } else {
        row_i[j] = sum / row_j[j];
      }
    }
  }
}

/// Solves L x = b in place.
void SolveLower(const std::vector<double>& factor, std::size_t n, std::vector<double>& b) {
  for (std::size_t i = 0; i < n; ++i) {
    const double* const row = &factor[i * n];
    double sum = b[i];
    for (std::size_t k = 0; k < i; ++k) sum -= row[k] * b[k];
    b[i] = sum / row[i];
  }
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TrainingState StateAfter(const RetrainingConfiguration& configuration) {
  return {configuration.trained_stages,
          configuration.sample_fraction * EffectiveEpochs(configuration.epochs)};
}

void Belief::Add(Measurement measurement) {
  if (!(measurement.accuracy >= 0 && measurement.accuracy <= 1) || measurement.samples <= 0) return;
  if (measurements_.size() >= settings_.most) measurements_.erase(measurements_.begin());
  measurements_.push_back(std::move(measurement));
}

void Belief::Judged(const std::string& stream, int window, TrainingState state, double accuracy,
                    int samples) {
  Add({stream, window, state, false, accuracy, static_cast<double>(samples)});
}

void Belief::HeldOut(const std::string& stream, int window, TrainingState state, double accuracy,
                     int samples) {
  Add({stream, window, state, true, accuracy, static_cast<double>(samples)});
}

double Belief::Sampling(const Measurement& a) const {
  const double rate = std::clamp(a.accuracy, 0.05, 0.95);
  return rate * (1 - rate) / a.samples;
}

double Belief::Shared(const Measurement& a, const Measurement& b) const {
  const BeliefSettings& s = settings_;
  const bool stream = a.stream == b.stream;
  const bool window = stream && a.window == b.window;
  const double fade = std::exp(-std::abs(a.window - b.window) / s.memory);
  // What is left of what training can bring.
  const double left_a = std::exp2(-a.state.work / s.half_work);
  const double left_b = std::exp2(-b.state.work / s.half_work);
  const double trained = (1 - left_a) * (1 - left_b);
  const double alike = std::exp(-0.5 * std::abs(a.state.trained_stages - b.state.trained_stages));
  double shared = Square(kAnywhere) + Square(s.window) * fade +
                  trained * (Square(s.gain) + Square(s.stages) * alike);
  if (stream) shared += Square(s.stream) + Square(s.stream_window) * fade;
  if (window) {
    shared += left_a * left_b * Square(s.stale) + trained * alike * Square(s.stale_stages);
  }
  if (a.held_out && b.held_out) {
    shared += Square(s.drift);
    if (window) {
      shared += Square(s.drift_window) + s.shared_sampling * std::sqrt(Sampling(a) * Sampling(b));
    }
  }
  return shared;
}

std::vector<Belief::Accuracy> Belief::For(const std::string& stream, int window,
                                          const std::vector<TrainingState>& states) const {
  const std::size_t n = measurements_.size();
  std::vector<double> factor(n * n);
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Measurement& own = measurements_[i];
    for (std::size_t j = 0; j <= i; ++j) factor[i * n + j] = Shared(own, measurements_[j]);
    factor[i * n + i] +=
        kJitter + Sampling(own) * (own.held_out ? 1 - settings_.shared_sampling : 1);
    if (own.state.work > 0) factor[i * n + i] += Square(settings_.training);
    weights[i] = own.accuracy - kMean;
  }
  Factorise(factor, n);
  SolveLower(factor, n, weights);
  std::vector<Accuracy> found;
  for (const TrainingState& state : states) {
    const Measurement wanted{stream, window, state, false, kMean, 1};
    std::vector<double> shared(n);
    for (std::size_t i = 0; i < n; ++i) shared[i] = Shared(wanted, measurements_[i]);
    SolveLower(factor, n, shared);
    const double variance = Shared(wanted, wanted) +
                            (state.work > 0 ? Square(settings_.training) : 0) - Dot(shared, shared);
    found.push_back(
        {std::clamp(kMean + Dot(shared, weights), 0.0, 1.0), std::sqrt(std::max(variance, 0.0))});
  }
  return found;
}

}  // namespace ekya::profile
