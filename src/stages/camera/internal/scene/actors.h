#pragma once

#include <array>

#include "stages/camera/internal/scene/canvas.h"
#include "stages/camera/internal/scene/light.h"
#include "stages/camera/internal/scene/world.h"

namespace ekya::camera::scene {

/// Paints `actor` with its lamps, and notes on `canvas` how far it reaches.
void PaintActor(Canvas& canvas, const Light& light, const Condition& condition, const Actor& actor);

/// Paints what `actor` does to the ground: its shadow, the light of its lamps.
void PaintGroundUnder(Canvas& canvas, const Light& light, const Condition& condition,
                      const Actor& actor);

/// A lamp post with a traffic light at one of the three corners that the camera looks at, and
/// whether the light is green for the street along x.
inline constexpr int kPosts = 3;
void PaintPost(Canvas& canvas, const Light& light, int corner, bool green);
/// Where the post of `corner` stands.
Vec3 PostPosition(int corner);

/// The four corners of an actor's ground plan, anticlockwise.
std::array<Vec3, 4> GroundPlan(const Actor& actor);

}  // namespace ekya::camera::scene
