#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "core/frame.h"
#include "stages/camera/internal/scene/canvas.h"
#include "stages/camera/internal/scene/light.h"

namespace ekya::camera::scene {

/// What is between the scene and the picture: rain, snow, and the sensor's noise.
class Weather {
 public:
  explicit Weather(std::uint64_t seed);

  /// Paints this frame's drops or flakes.
  void PaintFalling(Canvas& canvas, const Light& light, const Condition& condition);
  /// The canvas as the sensor gives it, RGB, with noise.
  void Develop(Canvas& canvas, const Light& light, Image& image);

 private:
  static constexpr std::size_t kNoise = 1 << 16;

  Random random_;
  std::vector<std::int8_t> noise_;  // of standard deviation 16
};

}  // namespace ekya::camera::scene
