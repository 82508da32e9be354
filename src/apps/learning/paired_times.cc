#include "apps/learning/paired_times.h"

#include <algorithm>
#include <utility>

namespace ekya::learning {
namespace {

double MedianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

}  // namespace

const std::vector<double>* PairedTimes::Of(const std::string& party) const {
  for (const auto& [name, seconds] : parties_) {
    if (name == party) return &seconds;
  }
  return nullptr;
}

void PairedTimes::Add(const std::string& party, double seconds) {
  for (auto& [name, all] : parties_) {
    if (name == party) return all.push_back(seconds);
  }
  parties_.push_back({party, {seconds}});
}

double PairedTimes::Ratio(const std::string& slow, const std::string& fast) const {
  const auto* slow_seconds = Of(slow);
  const auto* fast_seconds = Of(fast);
  if (slow_seconds == nullptr || fast_seconds == nullptr) return 0;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(slow_seconds->size(), fast_seconds->size()); ++i) {
    ratios.push_back((*slow_seconds)[i] / (*fast_seconds)[i]);
  }
  return MedianOf(std::move(ratios));
}

double PairedTimes::Median(const std::string& party) const {
  const auto* seconds = Of(party);
  return seconds == nullptr ? 0 : MedianOf(*seconds);
}

}  // namespace ekya::learning
