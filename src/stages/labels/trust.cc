#include "stages/labels/trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/interval.h"
#include "core/scorer.h"

namespace ekya::labels {
namespace {

constexpr double kLeastAgreement = 0.5;
constexpr double kIou = 0.5;
constexpr double kLight = 0.9;
// Of the way from a guess to certainty.
constexpr double kNearChance = 0.1;
// Fewer scores than this settle no mean.
constexpr double kFewestScores = 20;

}  // namespace

Frame Changed(const Frame& frame) {
  Frame changed = frame;
  Image& image = changed.image;
  for (int y = 0; y < image.height; ++y) {
    auto* const row = image.pixels.data() + 3 * static_cast<std::ptrdiff_t>(y) * image.width;
    for (int left = 0, right = image.width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + 3 * left, row + 3 * left + 3, row + 3 * right);
    }
  }
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(kLight * value);
  for (Region& region : changed.regions) region.box = ChangedBack(region.box, image);
  return changed;
}

Box ChangedBack(const Box& box, const Image& image) {
  return {image.width - box.x - box.width, box.y, box.width, box.height};
}

GoldenTrust::GoldenTrust(bool detection, std::size_t classes)
    : detection_(detection), classes_(classes), per_class_(classes) {}

void GoldenTrust::Add(const std::vector<SecondLook>& looks) {
  for (const SecondLook& look : looks) {
    const FrameScore score = ScoreFrame(look.second, look.first, kIou);
    said_ += (score.objects + score.detections) / 2.0;
    agreed_ += score.right;
    for (const auto* results : {&look.first, &look.second}) {
      for (const Detection& each : *results) {
        const auto index = static_cast<std::size_t>(each.class_index);
        if (index < per_class_.size()) ++per_class_[index];
      }
    }
    for (const Detection& each : look.first) {
      score_sum_ += each.score;
      ++scored_;
    }
  }
}

std::string GoldenTrust::Doubt() const {
  if (said_ <= 0) return {};
  const double agreement = std::min(1.0, agreed_ / said_);
  double chance = 0;
  if (!detection_) {
    double all = 0;
    for (const double count : per_class_) all += count;
    for (const double count : per_class_) chance += all > 0 ? count * count / (all * all) : 0;
  }
  const double least = chance + kLeastAgreement * (1 - chance);
  const AccuracyInterval interval = WilsonInterval(agreement, said_);
  if (interval.high < least) {
    return fmt::format(
        "the golden model contradicts itself: shown {:.0f} objects again, mirrored and a little "
        "darker, it says the same of {:.0f} % (95 % interval {:.0f} to {:.0f} %), where {:.0f} % "
        "are the least to be learned from; its labels are not used for training",
        said_, 100 * agreement, 100 * interval.low, 100 * interval.high, 100 * least);
  }
  // What a detector is not sure of it does not report.
  if (detection_ || classes_ < 2 || scored_ < kFewestScores) return {};
  const double guess = 1.0 / static_cast<double>(classes_);
  const double mean = score_sum_ / scored_;
  if (mean >= guess + kNearChance * (1 - guess)) return {};
  return fmt::format(
      "the golden model is near chance: its scores are {:.2f} on average, where guessing between "
      "{} classes gives {:.2f}; its labels are not used for training",
      mean, classes_, guess);
}

}  // namespace ekya::labels
