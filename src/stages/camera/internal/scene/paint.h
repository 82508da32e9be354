#pragma once

#include "stages/camera/internal/scene/actors.h"
#include "stages/camera/internal/scene/solid.h"

namespace ekya::camera::scene {

/// A lamp of `radius` metres that looks `toward`: seen from in front as its colour, and shining
/// where `power` is above 0 (1: a headlight).
void PaintLamp(Canvas& canvas, const Light& light, Vec3 at, Vec3 toward, Rgb colour, double radius,
               double power);

/// Cars, buses and trucks.
void PaintVehicle(Canvas& canvas, const Light& light, const Condition& condition,
                  const Place& place, const Actor& actor);
/// Persons, and bicycles and motorcycles with their riders.
void PaintPerson(Canvas& canvas, const Light& light, const Place& place, const Actor& actor);
void PaintRider(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
                const Actor& actor);

}  // namespace ekya::camera::scene
