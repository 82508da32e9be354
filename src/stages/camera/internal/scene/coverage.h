#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/frame.h"
#include "stages/camera/internal/scene/geometry.h"

namespace ekya::camera::scene {

/// What a road user covers of the ground, for the order of painting.
struct Footprint {
  std::array<Vec3, 4> corners;  ///< Anticlockwise.
  Vec3 middle;
};

/// The order in which things that stand on the ground are painted so that the nearer hides the
/// farther, seen from `eye`: indices into `prints`.
std::vector<std::size_t> FarToNear(const std::vector<Footprint>& prints, Vec3 eye);

/// Keeps count of which object is seen where, on a coarse grid.
class Coverage {
 public:
  Coverage(int width, int height);

  /// Adds an object in front of those before.
  void Add(int id, const Box& box);

  struct Seen {
    int id = 0;
    Box box;             ///< The part of it inside the picture.
    double visible = 0;  ///< Part of the whole object that is inside and not hidden, 0..1.
  };
  std::vector<Seen> Visible() const;

 private:
  static constexpr int kCell = 3;  // pixels

  struct Added {
    int id;
    Box box;
  };
  int width_, height_, columns_, rows_;
  std::vector<int> owner_;  // of each cell: 1 + the place in added_; 0: nobody
  std::vector<Added> added_;
};

}  // namespace ekya::camera::scene
