#include "decide/profile/halving.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace ekya::profile {

SuccessiveHalving::SuccessiveHalving(std::size_t trials, int rungs) : rungs_left_(rungs) {
  if (rungs > 0) alive_.resize(trials);
  std::iota(alive_.begin(), alive_.end(), std::size_t{0});
}

void SuccessiveHalving::EndRung(const std::vector<double>& values) {
  EKYA_CHECK(values.size() == alive_.size(), "one value per trial of the rung");
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto value = [&](std::size_t i) {
    return std::isfinite(values[i]) ? values[i] : -std::numeric_limits<double>::infinity();
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  --rungs_left_;
  std::vector<std::size_t> kept;
  const std::size_t keep = rungs_left_ > 0 ? (order.size() + 1) / 2 : 0;
  for (std::size_t i = 0; i < keep; ++i) {
    if (std::isfinite(values[order[i]])) kept.push_back(alive_[order[i]]);
  }
  alive_ = std::move(kept);
}

}  // namespace ekya::profile
