#include "stages/labels/choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace ekya::labels {
namespace {

// A frame of which the model was sure may still look like no other.
constexpr double kLeastUncertainty = 0.1;

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  EKYA_CHECK(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace

std::vector<ChosenFrame> ChooseFrames(const std::vector<FrameNews>& frames, std::size_t count) {
  std::vector<ChosenFrame> chosen;
  const std::size_t total = frames.size();
  if (count >= total) {
    for (std::size_t i = 0; i < total; ++i) chosen.push_back({i, true});
    return chosen;
  }
  const auto uniform =
      static_cast<std::size_t>(std::ceil(kUniformPart * static_cast<double>(count) - 1e-9));
  std::vector<double> nearest(total, std::numeric_limits<double>::infinity());
  std::vector<bool> taken(total, false);
  const auto take = [&](std::size_t frame, bool by_time) {
    chosen.push_back({frame, by_time});
    taken[frame] = true;
    for (std::size_t i = 0; i < total; ++i) {
      nearest[i] = std::min(nearest[i], Distance(frames[i].look, frames[frame].look));
    }
  };
  // The middle of the i-th of `uniform` equal parts.
  for (std::size_t i = 0; i < uniform; ++i) take((2 * i + 1) * total / (2 * uniform), true);
  const auto until = static_cast<std::size_t>(kChosenUntil * static_cast<double>(total));
  while (chosen.size() < count) {
    double best = -1;
    std::size_t frame = total;
    for (std::size_t i = 0; i < until; ++i) {
      const double worth =
          std::max(kLeastUncertainty, frames[i].uncertainty) * std::min(nearest[i], 1e9);
      if (taken[i] || worth <= best) continue;
      best = worth;
      frame = i;
    }
    if (frame == total) break;
    take(frame, false);
  }
  std::sort(chosen.begin(), chosen.end(),
            [](const ChosenFrame& a, const ChosenFrame& b) { return a.frame < b.frame; });
  return chosen;
}

}  // namespace ekya::labels
