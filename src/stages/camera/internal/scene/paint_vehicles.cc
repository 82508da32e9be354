#include "stages/camera/internal/scene/actors.h"
#include "stages/camera/internal/scene/paint.h"
#include "stages/camera/internal/scene/solid.h"

namespace ekya::camera::scene {
namespace {

constexpr Rgb kGlass{0.13, 0.17, 0.21};
constexpr Rgb kTyre{0.06, 0.06, 0.065};
constexpr Rgb kWarm{1.0, 0.86, 0.58};
constexpr Rgb kRed{0.85, 0.06, 0.05};

/// Part of the picture's lines that a metre at the actor takes.
double PixelsPerMetre(const Canvas& canvas, const Actor& actor) {
  return canvas.view().focal() / std::max(canvas.view().Depth(actor.position), View::kNear);
}

void PaintWheels(Canvas& canvas, const Light& light, const Place& place, const Actor& actor,
                 std::initializer_list<double> axles, double radius) {
  const double side = Dot(place.left, canvas.view().eye() - actor.position) > 0 ? 1 : -1;
  const double distance = Length(canvas.view().eye() - actor.position);
  const bool fine = PixelsPerMetre(canvas, actor) > 14;
  for (const double axle : axles) {
    std::array<Vec3, 8> rim;
    for (std::size_t i = 0; i < rim.size(); ++i) {
      const double angle = Radians(45.0 * static_cast<double>(i) + 22.5);
      rim[i] = place.Point(axle * actor.length + radius * std::cos(angle), side * actor.width / 2,
                           radius + radius * std::sin(angle));
    }
    canvas.Fill(rim, light.Through(light.Shade(kTyre, side * place.left, 0), distance));
    if (!fine) continue;
    canvas.Ball(place.Point(axle * actor.length, side * (actor.width / 2 + 0.01), radius),
                0.45 * radius, light.Shade({0.45, 0.45, 0.47}, side * place.left, distance));
  }
}

/// Front and rear lamps of something wide, `inset` parts of its width from its sides, at height
/// `z`.
void PaintLamps(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
                const Actor& actor, double z, double inset) {
  const double half = actor.width / 2 - inset * actor.width;
  const bool on =
      light.night > 0.15 || condition.rain > 0.4 || condition.fog > 0.4 || condition.snow > 0.4;
  for (const double side : {-1.0, 1.0}) {
    PaintLamp(canvas, light, place.Point(actor.length / 2, side * half, z), place.ahead, kWarm,
              0.11, on ? 1.0 : 0.0);
    PaintLamp(canvas, light, place.Point(-actor.length / 2, side * half, z + 0.15),
              -1 * place.ahead, kRed, 0.1,
              actor.braking ? 0.8
              : on          ? 0.35
                            : 0.0);
  }
}

void PaintCar(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
              const Actor& actor) {
  const double l = actor.length / 2;
  const double w = actor.width / 2;
  const double h = actor.height;
  PaintWheels(canvas, light, place, actor, {-0.3, 0.31}, 0.33);
  Block body{.x0 = -l, .x1 = l, .half = w, .z0 = 0.28, .z1 = 0.9, .front_slope = 0.12};
  body.back_slope = 0.05;
  body.side_slope = 0.06;
  Block cabin{.x0 = -l + 0.55, .x1 = l - 1.1, .half = w - 0.1, .z0 = 0.9, .z1 = h};
  cabin.back_slope = 0.45;
  cabin.front_slope = 0.65;
  cabin.side_slope = 0.16;
  if (actor.look == 1) {  // a van: high, steep behind, its rear half without windows
    body.z1 = 1.0;
    cabin = {.x0 = -l + 0.05, .x1 = l - 0.75, .half = w - 0.05, .z0 = 1.0, .z1 = h};
    cabin.back_slope = 0.1;
    cabin.front_slope = 0.6;
    cabin.side_slope = 0.1;
  } else if (actor.look == 2) {  // a pickup: cabin in front, open bed behind
    body.z0 = 0.4;
    body.z1 = 1.05;
    cabin = {.x0 = -0.35, .x1 = l - 1.25, .half = w - 0.08, .z0 = 1.05, .z1 = h};
    cabin.back_slope = 0.12;
    cabin.front_slope = 0.6;
    cabin.side_slope = 0.12;
  }
  const Solid lower(place, body);
  lower.Paint(canvas, light, actor.paint);
  if (actor.look == 2) {
    lower.PaintPart(canvas, light, Solid::kTop, 0.03, 0.1, 0.42, 0.9, {0.10, 0.10, 0.10});
  }
  lower.PaintPart(canvas, light, Solid::kFront, 0.2, 0.25, 0.8, 0.65, {0.08, 0.08, 0.09});
  const Solid upper(place, cabin);
  upper.Paint(canvas, light, actor.paint);
  upper.PaintPart(canvas, light, Solid::kFront, 0.06, 0.1, 0.94, 0.92, kGlass);
  if (actor.look != 1) upper.PaintPart(canvas, light, Solid::kBack, 0.08, 0.15, 0.92, 0.9, kGlass);
  const double rear = actor.look == 1 ? 0.55 : 0.06;  // where side windows begin, from behind
  upper.PaintPart(canvas, light, Solid::kRight, rear, 0.15, 0.94, 0.9, kGlass);
  upper.PaintPart(canvas, light, Solid::kLeft, 0.06, 0.15, 1 - rear, 0.9, kGlass);
  PaintLamps(canvas, light, condition, place, actor, 0.62, 0.12);
}

void PaintBus(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
              const Actor& actor) {
  const double l = actor.length / 2;
  PaintWheels(canvas, light, place, actor, {-0.26, 0.32}, 0.48);
  const Block block{.x0 = -l,
                    .x1 = l,
                    .half = actor.width / 2,
                    .z0 = 0.35,
                    .z1 = actor.height,
                    .back_slope = 0.04,
                    .front_slope = actor.look == 1 ? 0.7 : 0.12,
                    .side_slope = 0.05};
  const Solid body(place, block);
  body.Paint(canvas, light, actor.paint);
  const double low = actor.look == 2 ? 0.5 : 0.4;
  const double high = actor.look == 2 ? 0.78 : 0.85;
  if (actor.look == 2) {  // a coach's stripe
    const Rgb stripe = Mix(actor.paint, Rgb{0.9, 0.85, 0.7}, 0.6);
    body.PaintPart(canvas, light, Solid::kLeft, 0, 0.2, 1, 0.3, stripe);
    body.PaintPart(canvas, light, Solid::kRight, 0, 0.2, 1, 0.3, stripe);
  }
  // At night the lit windows are what one sees of a bus, dimmed in a coach.
  const double lit = light.night * (actor.look == 2 ? 0.3 : 0.85);
  const auto window = [&](Solid::Face face, double u0, double v0, double u1, double v1) {
    body.PaintPart(canvas, light, face, u0, v0, u1, v1, kGlass);
    if (lit > 0.05)
      body.PaintShining(canvas, light, face, u0, v0, u1, v1, lit * Rgb{0.95, 0.9, 0.7});
  };
  const int windows = actor.look == 1 ? 4 : 6;
  const bool fine = PixelsPerMetre(canvas, actor) > 6;
  for (const auto face : {Solid::kLeft, Solid::kRight}) {
    if (!fine) {
      window(face, 0.03, low, 0.97, high);
      continue;
    }
    for (int i = 0; i < windows; ++i) {
      const double step = 0.96 / windows;
      window(face, 0.02 + step * i + 0.006, low, 0.02 + step * (i + 1) - 0.006, high);
    }
  }
  window(Solid::kFront, 0.06, 0.36, 0.94, 0.86);
  body.PaintPart(canvas, light, Solid::kBack, 0.1, 0.5, 0.9, 0.85, kGlass);
  body.PaintShining(canvas, light, Solid::kFront, 0.2, 0.89, 0.8, 0.97,
                    Mix(Rgb{0.3, 0.22, 0.05}, Rgb{0.95, 0.65, 0.15}, light.night));
  body.PaintPart(canvas, light, Solid::kTop, 0.2, 0.25, 0.4, 0.75, 0.8 * actor.paint);
  PaintLamps(canvas, light, condition, place, actor, 0.7, 0.08);
}

void PaintTruck(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
                const Actor& actor) {
  const double l = actor.length / 2;
  const double w = actor.width / 2;
  const double cab_length = actor.look == 2 ? 1.7 : 1.9;
  const double cab_height = std::min(actor.height, actor.look == 1 ? 2.6 : 2.5);
  PaintWheels(canvas, light, place, actor, {-0.34, -0.2, 0.34}, 0.48);
  const Block cab_block{.x0 = l - cab_length,
                        .x1 = l,
                        .half = w - 0.05,
                        .z0 = 0.4,
                        .z1 = cab_height,
                        .front_slope = 0.3,
                        .side_slope = 0.06};
  Block load_block{
      .x0 = -l, .x1 = l - cab_length - 0.15, .half = w, .z0 = 0.75, .z1 = actor.height};
  if (actor.look == 1) {  // a load under a tarpaulin
    load_block.side_slope = 0.35;
  } else if (actor.look == 2) {  // a refuse truck: round, with its mouth behind
    load_block.back_slope = 0.9;
    load_block.side_slope = 0.18;
  }
  const Solid cab(place, cab_block);
  const Solid load(place, load_block);
  const auto paint_cab = [&] {
    cab.Paint(canvas, light,
              actor.look == 2 ? Mix(actor.paint, Rgb{0.8, 0.8, 0.8}, 0.3) : actor.second);
    cab.PaintPart(canvas, light, Solid::kFront, 0.08, 0.48, 0.92, 0.88, kGlass);
    cab.PaintPart(canvas, light, Solid::kRight, 0.35, 0.52, 0.92, 0.86, kGlass);
    cab.PaintPart(canvas, light, Solid::kLeft, 0.08, 0.52, 0.65, 0.86, kGlass);
    cab.PaintPart(canvas, light, Solid::kFront, 0.15, 0.06, 0.85, 0.3, {0.12, 0.12, 0.13});
  };
  const auto paint_load = [&] {
    load.Paint(canvas, light, actor.paint);
    if (actor.look == 0) {  // doors, and an owner's sign on the sides
      load.PaintPart(canvas, light, Solid::kBack, 0.485, 0.02, 0.515, 0.98, 0.5 * actor.paint);
      for (const auto face : {Solid::kLeft, Solid::kRight}) {
        load.PaintPart(canvas, light, face, 0.25, 0.4, 0.75, 0.65, actor.second);
      }
    } else if (actor.look == 1) {  // hoops under the tarpaulin
      for (const auto face : {Solid::kLeft, Solid::kRight, Solid::kTop}) {
        for (const double u : {0.24, 0.49, 0.74}) {
          load.PaintPart(canvas, light, face, u, 0.02, u + 0.02, 1, 0.75 * actor.paint);
        }
      }
    } else {
      load.PaintPart(canvas, light, Solid::kBack, 0.12, 0.05, 0.88, 0.45, {0.10, 0.10, 0.10});
      for (const auto face : {Solid::kLeft, Solid::kRight}) {
        load.PaintPart(canvas, light, face, 0.04, 0.05, 0.96, 0.14, {0.85, 0.75, 0.2});
      }
    }
    if (light.night > 0.3 && actor.look != 1) {  // marker lamps along the upper edge
      for (const double x : {0.02, 0.5, 0.98}) {
        for (const double side : {-1.0, 1.0}) {
          PaintLamp(canvas, light,
                    place.Point(Mix(load_block.x0, load_block.x1, x), side * w, actor.height - 0.1),
                    side * place.left, {1.0, 0.55, 0.1}, 0.06, 0.25);
        }
      }
    }
  };
  // What is behind comes first.
  if (Dot(place.ahead, canvas.view().eye() - place.Point(l - cab_length, 0, 1)) > 0) {
    paint_load();
    paint_cab();
  } else {
    paint_cab();
    paint_load();
  }
  PaintLamps(canvas, light, condition, place, actor, 0.75, 0.08);
}

}  // namespace

void PaintVehicle(Canvas& canvas, const Light& light, const Condition& condition,
                  const Place& place, const Actor& actor) {
  switch (actor.kind) {
    case Kind::kCar:
      return PaintCar(canvas, light, condition, place, actor);
    case Kind::kBus:
      return PaintBus(canvas, light, condition, place, actor);
    case Kind::kTruck:
      return PaintTruck(canvas, light, condition, place, actor);
    default:
      break;
  }
}

}  // namespace ekya::camera::scene
