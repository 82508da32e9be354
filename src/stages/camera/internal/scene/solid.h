#pragma once

#include <array>
#include <vector>

#include "stages/camera/internal/scene/canvas.h"
#include "stages/camera/internal/scene/light.h"

namespace ekya::camera::scene {

/// A place with its own axes: x ahead, y to the left, z up.
struct Place {
  Vec3 origin;
  Vec3 ahead{1, 0, 0};
  Vec3 left{0, 1, 0};

  static Place At(Vec3 origin, double heading) {
    const double c = std::cos(heading);
    const double s = std::sin(heading);
    return {origin, {c, s, 0}, {-s, c, 0}};
  }
  Vec3 Point(double x, double y, double z) const {
    return {origin.x + x * ahead.x + y * left.x, origin.y + x * ahead.y + y * left.y, origin.z + z};
  }
};

/// A box with sloping sides: the lower rectangle at `z0`, the upper at `z1`.
struct Block {
  double x0, x1;  ///< Back and front below.
  double half;    ///< Half the width below.
  double z0, z1;
  double back_slope = 0;   ///< Metres by which the upper back edge is further in front.
  double front_slope = 0;  ///< Metres by which the upper front edge is further back.
  double side_slope = 0;   ///< Metres by which each upper side is further inside.
};

/// The faces of a block as they are seen.
class Solid {
 public:
  enum Face { kTop, kFront, kBack, kLeft, kRight };

  Solid(const Place& place, const Block& block);

  /// Paints the faces that `canvas` sees, each as `light` falls on it.
  void Paint(Canvas& canvas, const Light& light, Rgb colour) const;
  /// Whether a face is turned to the camera.
  bool Faces(const Canvas& canvas, Face face) const;
  /// The part of a face from (u0, v0) to (u1, v1): u runs to the right as one looks at it from
  /// outside, v upwards, both 0..1. On the top, u runs to the front and v to the left.
  std::array<Vec3, 4> Part(Face face, double u0, double v0, double u1, double v1) const;
  /// Paints such a part as a surface of `colour`.
  void PaintPart(Canvas& canvas, const Light& light, Face face, double u0, double v0, double u1,
                 double v1, Rgb colour) const;
  /// Paints such a part as something that shines by itself.
  void PaintShining(Canvas& canvas, const Light& light, Face face, double u0, double v0, double u1,
                    double v1, Rgb colour) const;
  Vec3 Normal(Face face) const { return normals_[face]; }
  const std::array<Vec3, 8>& corners() const { return corners_; }

 private:
  std::array<Vec3, 4> Quad(Face face) const;

  std::array<Vec3, 8>
      corners_;  // below: back right, front right, front left, back left; above alike
  std::array<Vec3, 5> normals_;
};

/// The convex outline of what the points' shadows or pictures cover (Andrew 1979), on x and y.
std::vector<Vec3> Hull(std::vector<Vec3> points);

}  // namespace ekya::camera::scene
