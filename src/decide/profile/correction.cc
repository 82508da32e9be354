#include "decide/profile/correction.h"

#include <cmath>

namespace ekya::profile {
namespace {

// As many measurements of no error are taken to be there from the start.
constexpr double kPriorWeight = 2;
// The newest measurements count: older ones fade once there are more than about so many.
constexpr double kRemembered = 20;

template <typename Errors>
void Add(Errors& errors, double error) {
  errors.sum += error;
  errors.weight += 1;
  if (errors.weight > kRemembered) {
    errors.sum *= kRemembered / errors.weight;
    errors.weight = kRemembered;
  }
}

double Shrunk(double sum, double weight) { return sum / (weight + kPriorWeight); }

}  // namespace

void Correction::Learn(const std::string& stream, const std::string& configuration, double error) {
  if (!std::isfinite(error)) return;
  const double left = error - For(stream, configuration);
  squares_ += left * left;
  measured_ += 1;
  if (measured_ > 2 * kRemembered) {
    squares_ *= 2 * kRemembered / measured_;
    measured_ = 2 * kRemembered;
  }
  Add(all_, error);
  Add(by_configuration_[configuration], error);
  Add(by_stream_[stream][configuration], error);
}

double Correction::Deviation() const { return std::sqrt(squares_ / measured_); }

double Correction::OfConfiguration(const std::string& configuration, double common) const {
  const auto found = by_configuration_.find(configuration);
  if (found == by_configuration_.end()) return 0;
  return Shrunk(found->second.sum - common * found->second.weight, found->second.weight);
}

double Correction::For(const std::string& stream, const std::string& configuration) const {
  const double common = Shrunk(all_.sum, all_.weight);
  const double expected = common + OfConfiguration(configuration, common);
  const auto own = by_stream_.find(stream);
  if (own == by_stream_.end()) return expected;
  double left = 0;
  double weight = 0;
  for (const auto& [name, errors] : own->second) {
    left += errors.sum - (common + OfConfiguration(name, common)) * errors.weight;
    weight += errors.weight;
  }
  const double of_stream = Shrunk(left, weight);
  const auto pair = own->second.find(configuration);
  if (pair == own->second.end()) return expected + of_stream;
  const Errors& errors = pair->second;
  return expected + of_stream +
         Shrunk(errors.sum - (expected + of_stream) * errors.weight, errors.weight);
}

}  // namespace ekya::profile
