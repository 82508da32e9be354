#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace ekya::camera::scene {

/// A point or direction of the scene in metres: x east, y north, z up; the crossing is at the
/// origin.
struct Vec3 {
  double x = 0;
  double y = 0;
  double z = 0;

  friend Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Vec3 operator*(double s, Vec3 a) { return {s * a.x, s * a.y, s * a.z}; }
};

inline double Dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline double Length(Vec3 a) { return std::sqrt(Dot(a, a)); }
inline double Radians(double degrees) { return degrees * std::numbers::pi / 180; }
inline double Mix(double a, double b, double weight) { return a + (b - a) * weight; }
/// 0 below `low`, 1 above `high`, smooth between.
inline double Smooth(double low, double high, double value) {
  const double t = std::clamp((value - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

/// A colour, 0..1 each; more is cut where it is painted.
struct Rgb {
  double r = 0;
  double g = 0;
  double b = 0;

  friend Rgb operator+(Rgb a, Rgb b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
  friend Rgb operator*(Rgb a, Rgb b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
  friend Rgb operator*(double s, Rgb a) { return {s * a.r, s * a.g, s * a.b}; }
};

inline Rgb Mix(Rgb a, Rgb b, double weight) { return (1 - weight) * a + weight * b; }

/// Where a pinhole camera stands and looks.
class View {
 public:
  /// Points nearer than this, in metres along the line of sight, are cut off.
  static constexpr double kNear = 0.6;

  /// `yaw`: radians from east to north. `pitch`: radians below the horizon. `focal`: pixels.
  View(Vec3 eye, double yaw, double pitch, double focal, int width, int height)
      : eye_(eye),
        forward_{std::cos(pitch) * std::cos(yaw), std::cos(pitch) * std::sin(yaw),
                 -std::sin(pitch)},
        right_{std::sin(yaw), -std::cos(yaw), 0},
        up_{std::sin(pitch) * std::cos(yaw), std::sin(pitch) * std::sin(yaw), std::cos(pitch)},
        focal_(focal),
        center_x_(width / 2.0),
        center_y_(height / 2.0),
        horizon_(height / 2.0 - focal * std::tan(pitch)) {}

  Vec3 eye() const { return eye_; }
  double focal() const { return focal_; }
  /// The row of the horizon; may be outside the picture.
  double horizon() const { return horizon_; }
  /// Metres along the line of sight.
  double Depth(Vec3 point) const { return Dot(point - eye_, forward_); }
  double X(Vec3 point, double depth) const {
    return center_x_ + focal_ * Dot(point - eye_, right_) / depth;
  }
  double Y(Vec3 point, double depth) const {
    return center_y_ - focal_ * Dot(point - eye_, up_) / depth;
  }

 private:
  Vec3 eye_, forward_, right_, up_;
  double focal_, center_x_, center_y_, horizon_;
};

}  // namespace ekya::camera::scene
