#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "stages/camera/internal/scene/condition.h"

namespace ekya::camera::scene {

/// How the world drifts: one condition every `kStepSeconds` of scene time, held for half of it and
/// then turning smoothly into the next. Days of eight steps follow one another. Every day begins
/// clear and brings the same kinds of light and weather in one of a few orders, so conditions come
/// back, while what the classes look like and how many there are of each drifts on.
class Script {
 public:
  static constexpr double kStepSeconds = 30;

  explicit Script(std::uint64_t seed);

  /// The condition of step `step` >= 0.
  const Condition& Step(std::int64_t step);

  struct Moment {
    std::int64_t step = 0;
    double weight = 0;  ///< Of the step after `step`, 0..1.
    Condition condition;
  };
  Moment At(double scene_seconds);

 private:
  void AddDay();

  Random random_;
  std::vector<Condition> steps_;
  std::array<int, kKinds> look_{};  // the fashion of each class at the last step
  double yaw_ = 0, pitch_ = 0, zoom_ = 1;
};

}  // namespace ekya::camera::scene
