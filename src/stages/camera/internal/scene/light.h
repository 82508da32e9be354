#pragma once

#include "stages/camera/internal/scene/condition.h"
#include "stages/camera/internal/scene/geometry.h"

namespace ekya::camera::scene {

/// How things look under a condition.
struct Light {
  Vec3 toward_sun;      ///< Of length 1.
  Rgb sun;              ///< What falls on a face turned to the sun.
  Rgb ambient;          ///< What falls on every face.
  Rgb lamps;            ///< What the street's lamps add on every face.
  Rgb air;              ///< The colour of the far distance.
  Rgb zenith, horizon;  ///< Of the sky.
  double haze = 0;      ///< Part of the light lost per metre.
  double shadow = 0;    ///< How dark a shadow is, 0..1.
  double night = 0;     ///< 0 by day .. 1 when lamps alone give light.
  double noise = 0;     ///< Of the sensor: standard deviation in grey levels.

  explicit Light(const Condition& condition);

  /// The colour in which a face of colour `albedo` appears from `distance` metres.
  Rgb Shade(Rgb albedo, Vec3 normal, double distance) const {
    const double facing = std::max(Dot(normal, toward_sun), 0.0);
    const double open = 0.72 + 0.28 * normal.z;  // the sky lights what looks up
    return Through(albedo * (open * ambient + facing * sun + lamps), distance);
  }
  /// What is left of `colour` after `distance` metres of air.
  Rgb Through(Rgb colour, double distance) const {
    return Mix(colour, air, 1 - std::exp(-haze * distance));
  }
};

}  // namespace ekya::camera::scene
