#include "stages/camera/internal/playhead.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "platform/datasets/dataset.h"

namespace ekya::camera {

Playhead::Playhead(std::vector<double> times, const Pace& pace)
    : times_(std::move(times)), pace_(pace) {
  end_ =
      times_.back() + std::max(datasets::UsualGap(times_), pace_.speed / pace_.frames_per_second);
}

std::optional<std::size_t> Playhead::At(std::int64_t index) {
  double scene = (static_cast<double>(index) + pace_.slack) / pace_.frames_per_second * pace_.speed;
  if (scene >= end_) {
    if (!pace_.loop) return std::nullopt;
    scene = std::fmod(scene, end_);
  }
  if (scene < times_[picture_]) picture_ = 0;  // a new round
  while (picture_ + 1 < times_.size() && times_[picture_ + 1] <= scene) ++picture_;
  return picture_;
}

}  // namespace ekya::camera
