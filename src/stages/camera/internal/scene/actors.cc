#include "stages/camera/internal/scene/actors.h"

#include "stages/camera/internal/scene/paint.h"
#include "stages/camera/internal/scene/solid.h"

namespace ekya::camera::scene {
namespace {

bool IsVehicle(Kind kind) {
  return kind == Kind::kCar || kind == Kind::kBus || kind == Kind::kTruck;
}

bool LampsLit(const Light& light, const Condition& condition) {
  return light.night > 0.15 || condition.rain > 0.4;
}

/// The headlights' light on the road ahead.
void PaintBeam(Canvas& canvas, const Light& light, const Place& place, const Actor& actor) {
  const View& view = canvas.view();
  for (const double ahead : {2.2, 5.5}) {
    const Vec3 middle = place.Point(actor.length / 2 + ahead, 0, 0);
    const double depth = view.Depth(middle);
    if (depth < 3) continue;
    const double radius = (0.9 + 0.45 * ahead) * view.focal() / depth;
    canvas.Glow(view.X(middle, depth), view.Y(middle, depth), std::min(radius, 130.0),
                0.20 * light.night * Rgb{1.0, 0.9, 0.65},
                std::min(view.eye().z / depth * 1.1, 0.8));
  }
}

}  // namespace

void PaintLamp(Canvas& canvas, const Light& light, Vec3 at, Vec3 toward, Rgb colour, double radius,
               double power) {
  const Vec3 to_eye = canvas.view().eye() - at;
  const double distance = Length(to_eye);
  const double facing = Dot(toward, to_eye) / std::max(distance * Length(toward), 1e-6);
  if (facing <= 0.02) return;
  const Rgb seen = power > 0.05 ? light.Through(Mix(colour, Rgb{1, 1, 1}, 0.5 * power), distance)
                                : light.Shade(0.8 * colour, {0, 0, 0.5}, distance);
  canvas.Ball(at, radius, seen);
  const double shine =
      power * facing * (0.15 + 0.85 * light.night) * std::exp(-0.5 * light.haze * distance);
  if (shine < 0.04) return;
  const double depth = canvas.view().Depth(at);
  if (depth < View::kNear) return;
  const double pixels = std::clamp(canvas.view().focal() / depth * 0.75, 2.5, 26.0);
  canvas.Glow(canvas.view().X(at, depth), canvas.view().Y(at, depth),
              pixels * std::sqrt(std::min(power, 1.0)), shine * colour);
}

std::array<Vec3, 4> GroundPlan(const Actor& actor) {
  const Place place = Place::At(actor.position, actor.heading);
  const double l = actor.length / 2;
  const double w = actor.width / 2;
  return {place.Point(-l, -w, 0), place.Point(l, -w, 0), place.Point(l, w, 0),
          place.Point(-l, w, 0)};
}

void PaintGroundUnder(Canvas& canvas, const Light& light, const Condition& condition,
                      const Actor& actor) {
  const Place place = Place::At(actor.position, actor.heading);
  const double distance = Length(actor.position - canvas.view().eye());
  const Rgb dark = light.Through({0.02, 0.02, 0.03}, distance);
  canvas.MeasureExtent(false);
  // The sky's own shadow, right under it.
  const bool vehicle = IsVehicle(actor.kind);
  const double l = actor.length / 2 + (vehicle ? 0.1 : -0.1);
  const double w = std::max(actor.width / 2 + (vehicle ? 0.12 : -0.08), 0.12);
  const Vec3 under[] = {place.Point(-l, -w, 0), place.Point(l, -w, 0), place.Point(l, w, 0),
                        place.Point(-l, w, 0)};
  canvas.Fill(under, dark, vehicle ? 0.5 : 0.28);
  if (light.shadow > 0.03) {
    // The sun's: the box around it, cast on the ground.
    const double inset = vehicle ? 0.05 : 0.12;
    std::vector<Vec3> cast;
    const double height = actor.height * (vehicle ? 0.92 : 0.96);
    const double stretch = std::min(height / light.toward_sun.z, 14.0);
    const Vec3 shift{-stretch * light.toward_sun.x, -stretch * light.toward_sun.y, 0};
    for (const Vec3 corner : GroundPlan(actor)) {
      const Vec3 inner = actor.position + (1 - inset) * (corner - actor.position);
      cast.push_back(inner);
      cast.push_back(inner + shift);
    }
    canvas.Fill(Hull(std::move(cast)), dark, light.shadow);
  }
  const bool beams = vehicle || actor.kind == Kind::kMotorcycle;
  if (beams && LampsLit(light, condition) && light.night > 0.3)
    PaintBeam(canvas, light, place, actor);
  canvas.MeasureExtent(true);
}

void PaintActor(Canvas& canvas, const Light& light, const Condition& condition,
                const Actor& actor) {
  const Place place = Place::At(actor.position, actor.heading);
  canvas.StartExtent();
  if (actor.kind == Kind::kPerson) {
    PaintPerson(canvas, light, place, actor);
  } else if (IsVehicle(actor.kind)) {
    PaintVehicle(canvas, light, condition, place, actor);
  } else {
    PaintRider(canvas, light, condition, place, actor);
  }
}

Vec3 PostPosition(int corner) {
  const double x = corner == 1 ? -kRoadHalf - 0.7 : kRoadHalf + 0.7;
  const double y = corner == 2 ? -kRoadHalf - 0.7 : kRoadHalf + 0.7;
  return {x, y, 0};
}

void PaintPost(Canvas& canvas, const Light& light, int corner, bool green) {
  const Vec3 foot = PostPosition(corner);
  const double distance = Length(foot - canvas.view().eye());
  const Rgb metal = light.Shade({0.28, 0.29, 0.30}, {0.3, 0.3, 0.3}, distance);
  const Vec3 inward{foot.x > 0 ? -1.0 : 1.0, foot.y > 0 ? -1.0 : 1.0, 0};
  const Vec3 pole[] = {foot, foot + Vec3{0, 0, 6.6}, foot + 1.6 * inward + Vec3{0, 0, 7.0}};
  canvas.Stroke(pole, 0.16, metal);
  const Vec3 lamp = foot + 1.9 * inward + Vec3{0, 0, 6.95};
  canvas.Ball(lamp, 0.2,
              light.Through(Mix(Rgb{0.6, 0.6, 0.58}, Rgb{1, 0.92, 0.7}, light.night), distance));
  const double depth = canvas.view().Depth(lamp);
  if (light.night > 0.1 && depth > View::kNear) {
    canvas.Glow(canvas.view().X(lamp, depth), canvas.view().Y(lamp, depth),
                canvas.view().focal() / depth * 2.2, 0.55 * light.night * Rgb{1, 0.82, 0.5});
  }
  // One head for each street.
  for (const bool along_x : {true, false}) {
    const Vec3 side = along_x ? Vec3{inward.x, 0, 0} : Vec3{0, inward.y, 0};
    const Vec3 at = foot + 0.3 * side + Vec3{0, 0, 3.1};
    const Vec3 box[] = {at + Vec3{0, 0, -0.45}, at + Vec3{0, 0, 0.45}};
    canvas.Stroke(box, 0.34, light.Shade({0.08, 0.09, 0.08}, {0, 0, 0.4}, distance));
    const bool go = along_x == green;
    const Vec3 bulb = at + Vec3{0, 0, go ? -0.28 : 0.28};
    canvas.Ball(bulb, 0.12, light.Through(go ? Rgb{0.2, 0.95, 0.5} : Rgb{1, 0.2, 0.15}, distance));
  }
}

}  // namespace ekya::camera::scene
