#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace ekya::camera::scene {

/// The classes of the scene, in the order of its truth.
enum class Kind { kPerson, kBicycle, kCar, kBus, kTruck, kMotorcycle };
inline constexpr std::size_t kKinds = 6;
inline constexpr std::array<const char*, kKinds> kKindNames = {"person", "bicycle", "car",
                                                               "bus",    "truck",   "motorcycle"};

/// What a class may look like: three sorts of it, which come and go as the world drifts.
inline constexpr int kLooks = 3;

/// The state of the world at one time, of which everything drawn follows.
struct Condition {
  double sun_elevation = 50;         ///< Degrees; below 0: dusk, below -6: night.
  double sun_azimuth = 200;          ///< Degrees from east to north.
  double cloud = 0;                  ///< 0 clear .. 1 overcast.
  double rain = 0;                   ///< 0..1.
  double fog = 0;                    ///< 0..1.
  double snow = 0;                   ///< Falling and lying, 0..1.
  double density = 27;               ///< Road users about the crossing.
  std::array<double, kKinds> mix{};  ///< Part of each class in them; the sum is 1.
  /// Part of each look among the newcomers of a class; the sum of each is 1.
  std::array<std::array<double, kLooks>, kKinds> looks{};

  // Of the camera; these jump.
  double yaw = 0;    ///< Degrees added to the camera's own.
  double pitch = 0;  ///< Degrees added to the camera's own.
  double zoom = 1;   ///< Multiplies the focal length.

  std::string name;  ///< Such as "rainy night": Frame::source_time says it.
};

/// `a` at weight 0, `b` at weight 1. The camera and the name are `a`'s.
Condition Mix(const Condition& a, const Condition& b, double weight);

}  // namespace ekya::camera::scene
