#include "stages/camera/internal/scene/light.h"

namespace ekya::camera::scene {

Light::Light(const Condition& condition) {
  const double elevation = Radians(std::max(condition.sun_elevation, 3.0));
  const double azimuth = Radians(condition.sun_azimuth);
  toward_sun = {std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth),
                std::sin(elevation)};
  const double day = Smooth(-12, 8, condition.sun_elevation);
  const double high = Smooth(2, 35, condition.sun_elevation);
  const double clear = 1 - condition.cloud;
  night = 1 - Smooth(-9, 3, condition.sun_elevation);

  sun = Smooth(-2, 8, condition.sun_elevation) * (0.12 + 0.88 * clear * clear) *
        Mix(Rgb{1.05, 0.68, 0.36}, Rgb{0.86, 0.82, 0.74}, high);
  ambient =
      Mix(Rgb{0.085, 0.10, 0.16}, Mix(Rgb{0.53, 0.50, 0.55}, Rgb{0.50, 0.53, 0.58}, high), day);
  ambient =
      Mix(Rgb{0.85, 0.95, 1.22}, Rgb{1, 1, 1}, Smooth(-6, 6, condition.sun_elevation)) * ambient;
  // Clouds and fog spread what light there is, and take its colour.
  const double spread = std::max(condition.cloud, condition.fog) * day;
  ambient = Mix(ambient, Rgb{0.66, 0.67, 0.69}, 0.8 * spread);
  ambient = (1 - 0.28 * condition.rain) * ambient;
  ambient = (1 + 0.12 * condition.snow * day) * ambient;
  lamps = night * Rgb{0.20, 0.155, 0.09};
  shadow = Smooth(0, 8, condition.sun_elevation) * clear * 0.55;

  const Rgb clear_zenith =
      Mix(Rgb{0.02, 0.03, 0.08}, Mix(Rgb{0.32, 0.38, 0.55}, Rgb{0.30, 0.52, 0.82}, high), day);
  const Rgb low_horizon =
      Mix(Rgb{0.62, 0.52, 0.66}, Rgb{0.95, 0.66, 0.42}, Smooth(-5, 5, condition.sun_elevation));
  const Rgb clear_horizon =
      Mix(Rgb{0.07, 0.08, 0.13}, Mix(low_horizon, Rgb{0.76, 0.85, 0.92}, high), day);
  const Rgb grey = Mix(Rgb{0.07, 0.075, 0.09}, Rgb{0.76, 0.775, 0.79}, day);
  const double covered = std::max(condition.cloud, condition.fog);
  zenith = Mix(clear_zenith, (1 - 0.2 * condition.rain) * grey, covered * 0.92);
  horizon = Mix(clear_horizon, (1 - 0.12 * condition.rain) * grey, covered * 0.85);
  air = horizon;
  haze = 0.0012 + 0.026 * condition.fog + 0.008 * condition.rain + 0.006 * condition.snow;
  noise = 2.2 + 7.5 * night + 1.5 * condition.rain;
}

}  // namespace ekya::camera::scene
