#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "stages/camera/internal/scene/canvas.h"
#include "stages/camera/internal/scene/light.h"

namespace ekya::camera::scene {

/// What stands still about a camera's crossing: streets, houses, trees, sky. Laid out once by seed.
class Backdrop {
 public:
  explicit Backdrop(std::uint64_t seed);

  /// Paints everything that stands behind the road users.
  void Paint(Canvas& canvas, const Light& light, const Condition& condition) const;

 private:
  struct House {
    Vec3 low, high;  // opposite corners
    Rgb wall, trim, roof;
    int storeys = 3;
    int columns = 4;  // of windows, on a front of usual width
    bool pitched = false;
    std::uint64_t seed = 0;  // of its lit windows
  };
  struct Tree {
    Vec3 foot;
    double height = 6;
    Rgb leaf;
    std::uint64_t seed = 0;
  };
  struct Patch {
    Vec3 middle;
    double length = 1, width = 1, heading = 0;
    double shade = 0.9;
  };

  void PaintSky(Canvas& canvas, const Light& light, const Condition& condition) const;
  void PaintGround(Canvas& canvas, const Light& light, const Condition& condition) const;
  void PaintMarkings(Canvas& canvas, const Light& light, const Condition& condition) const;
  void PaintLampPools(Canvas& canvas, const Light& light, const Condition& condition) const;
  void PaintShadows(Canvas& canvas, const Light& light) const;
  void PaintHouse(Canvas& canvas, const Light& light, const Condition& condition,
                  const House& house) const;
  void PaintTree(Canvas& canvas, const Light& light, const Condition& condition,
                 const Tree& tree) const;
  void FinishGround(Canvas& canvas, const Light& light, const Condition& condition) const;

  std::uint64_t seed_;
  Rgb asphalt_, pavement_, lawn_;
  std::vector<House> houses_;
  std::vector<Tree> trees_;
  std::vector<Patch> patches_;
};

}  // namespace ekya::camera::scene
