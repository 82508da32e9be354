#include "stages/camera/internal/scene/paint.h"

namespace ekya::camera::scene {
namespace {

constexpr Rgb kRubber{0.07, 0.07, 0.075};
constexpr Rgb kSteel{0.22, 0.22, 0.24};
constexpr Rgb kWhiteLamp{1.0, 0.95, 0.85};
constexpr Rgb kRedLamp{0.9, 0.08, 0.06};

/// Paints limbs and tubes with one light for the whole figure: they have no faces to speak of.
class Figure {
 public:
  Figure(Canvas& canvas, const Light& light, const Place& place, double scale)
      : canvas_(canvas),
        light_(light),
        place_(place),
        scale_(scale),
        distance_(Length(place.origin - canvas.view().eye())) {
    // Lit from the sun's side, seen from the camera's.
    const Vec3 to_eye = canvas.view().eye() - place.origin;
    normal_ = (1 / std::max(Length(to_eye), 1e-6)) * to_eye;
  }

  Rgb Shade(Rgb colour) const { return light_.Shade(colour, normal_, distance_); }
  Vec3 At(double x, double y, double z) const {
    return place_.Point(scale_ * x, scale_ * y, scale_ * z);
  }
  void Limb(Vec3 from, Vec3 to, double thick, Rgb colour) {
    const Vec3 points[] = {from, to};
    canvas_.Stroke(points, scale_ * thick, Shade(colour));
  }
  void Ball(Vec3 at, double radius, Rgb colour) {
    canvas_.Ball(at, scale_ * radius, Shade(colour));
  }
  void Wheel(double x, double radius, double thick, bool solid) {
    std::array<Vec3, 12> rim;
    for (std::size_t i = 0; i < rim.size(); ++i) {
      const double angle = Radians(30.0 * static_cast<double>(i));
      rim[i] = At(x + radius * std::cos(angle), 0, radius + radius * std::sin(angle));
    }
    if (solid) canvas_.Fill(rim, Shade({0.16, 0.16, 0.17}));
    canvas_.Stroke(rim, scale_ * thick, Shade(kRubber), true);
  }
  void Block(const scene::Block& block, Rgb colour) {
    scene::Block scaled = block;
    for (double* size : {&scaled.x0, &scaled.x1, &scaled.half, &scaled.z0, &scaled.z1,
                         &scaled.back_slope, &scaled.front_slope, &scaled.side_slope}) {
      *size *= scale_;
    }
    Solid(place_, scaled).Paint(canvas_, light_, colour);
  }
  void Lamp(Vec3 at, bool ahead, Rgb colour, double radius, double power) {
    PaintLamp(canvas_, light_, at, (ahead ? 1.0 : -1.0) * place_.ahead, colour, radius, power);
  }
  double distance() const { return distance_; }

 private:
  Canvas& canvas_;
  const Light& light_;
  const Place& place_;
  const double scale_;
  const double distance_;
  Vec3 normal_;
};

void PaintBicycle(Figure& figure, const Light& light, const Condition& condition,
                  const Actor& actor) {
  const bool cargo = actor.look == 1;
  const double front = cargo ? 1.05 : 0.52;
  figure.Wheel(-0.52, 0.34, 0.05, false);
  figure.Wheel(front, cargo ? 0.25 : 0.34, 0.05, false);
  const Vec3 crank = figure.At(-0.05, 0, 0.3);
  const Vec3 seat = figure.At(-0.2, 0, 0.92);
  const Vec3 bar = figure.At(0.38, 0, 1.02);
  const Rgb frame = cargo ? Rgb{0.15, 0.2, 0.3} : Rgb{0.45, 0.12, 0.12};
  figure.Limb(figure.At(-0.52, 0, 0.34), crank, 0.05, frame);
  figure.Limb(crank, seat, 0.05, frame);
  figure.Limb(crank, bar, 0.05, frame);
  figure.Limb(figure.At(front, 0, 0.3), bar, 0.05, frame);
  figure.Limb(figure.At(0.38, -0.25, 1.05), figure.At(0.38, 0.25, 1.05), 0.05, kSteel);
  if (cargo) {
    figure.Block({.x0 = 0.5, .x1 = 1.2, .half = 0.32, .z0 = 0.35, .z1 = 0.95, .side_slope = -0.05},
                 {0.55, 0.42, 0.25});
  }

  const double turn = actor.travelled * 2.2;
  const Vec3 hip = figure.At(-0.18, 0, 1.0);
  const Vec3 shoulder = figure.At(0.08, 0, 1.48);
  for (const double side : {-1.0, 1.0}) {
    const double angle = turn + (side > 0 ? std::numbers::pi : 0);
    const Vec3 foot =
        figure.At(-0.05 + 0.17 * std::cos(angle), 0.1 * side, 0.3 + 0.17 * std::sin(angle));
    const Vec3 knee =
        figure.At(0.2 + 0.06 * std::cos(angle), 0.12 * side, 0.72 + 0.1 * std::sin(angle));
    figure.Limb(hip, knee, 0.16, actor.second);
    figure.Limb(knee, foot, 0.12, actor.second);
    figure.Limb(figure.At(0.08, 0.18 * side, 1.42), figure.At(0.36, 0.22 * side, 1.08), 0.09,
                actor.paint);
  }
  figure.Limb(hip, shoulder, 0.36, actor.paint);
  if (actor.look == 2) {  // a cape over rider and bars
    figure.Limb(figure.At(-0.2, 0, 0.95), figure.At(0.3, 0, 1.1), 0.5, actor.paint);
    figure.Limb(figure.At(0.02, 0, 1.45), figure.At(0.1, 0, 1.2), 0.5, actor.paint);
  }
  figure.Ball(figure.At(0.16, 0, 1.66), 0.12, actor.skin);
  figure.Ball(figure.At(0.14, 0, 1.72), 0.13,
              actor.look == 2   ? actor.paint
              : actor.look == 1 ? Rgb{0.2, 0.2, 0.22}
                                : Rgb{0.85, 0.85, 0.85});
  const bool lit = light.night > 0.3 || condition.fog > 0.5;
  if (lit) {
    figure.Lamp(figure.At(0.5, 0, 0.9), true, kWhiteLamp, 0.05, 0.35);
    figure.Lamp(figure.At(-0.55, 0, 0.75), false, kRedLamp, 0.05, 0.3);
  }
}

void PaintMotorcycle(Figure& figure, const Light& light, const Condition& condition,
                     const Actor& actor) {
  const bool scooter = actor.look >= 1;
  const double radius = scooter ? 0.26 : 0.33;
  const double base = scooter ? 0.62 : 0.72;
  figure.Wheel(-base, radius, 0.13, true);
  figure.Wheel(base, radius, 0.13, true);
  if (scooter) {
    figure.Block({.x0 = -0.75, .x1 = 0.1, .half = 0.17, .z0 = 0.32, .z1 = 0.78}, actor.paint);
    figure.Block({.x0 = 0.1, .x1 = 0.42, .half = 0.17, .z0 = 0.25, .z1 = 0.35}, kSteel);
    figure.Block({.x0 = 0.4, .x1 = 0.58, .half = 0.22, .z0 = 0.3, .z1 = 1.0, .back_slope = -0.1},
                 actor.paint);
  } else {
    figure.Block({.x0 = -0.55, .x1 = 0.45, .half = 0.16, .z0 = 0.35, .z1 = 0.72}, kSteel);
    figure.Block({.x0 = -0.1, .x1 = 0.5, .half = 0.2, .z0 = 0.68, .z1 = 0.98, .back_slope = 0.1},
                 actor.paint);
    figure.Limb(figure.At(base, 0, radius), figure.At(0.45, 0, 0.95), 0.12, kSteel);
    figure.Limb(figure.At(-0.75, 0, 0.82), figure.At(-0.1, 0, 0.82), 0.2, kRubber);
  }
  figure.Limb(figure.At(0.42, -0.33, 1.05), figure.At(0.42, 0.33, 1.05), 0.06, kSteel);
  if (actor.look == 2) {  // the box of a delivery service
    figure.Block({.x0 = -0.95, .x1 = -0.42, .half = 0.28, .z0 = 0.8, .z1 = 1.32},
                 Mix(actor.paint, Rgb{1, 1, 1}, 0.25));
  }
  const Rgb jacket = scooter ? Mix(actor.second, Rgb{0.4, 0.4, 0.45}, 0.5) : Rgb{0.13, 0.13, 0.15};
  const Vec3 hip = figure.At(-0.28, 0, 0.86);
  for (const double side : {-1.0, 1.0}) {
    const Vec3 knee = figure.At(0.12, 0.24 * side, 0.78);
    figure.Limb(hip, knee, 0.18, actor.second);
    figure.Limb(knee, figure.At(scooter ? 0.25 : -0.02, 0.2 * side, 0.36), 0.14, actor.second);
    figure.Limb(figure.At(-0.05, 0.22 * side, 1.35), figure.At(0.38, 0.3 * side, 1.05), 0.11,
                jacket);
  }
  figure.Limb(hip, figure.At(-0.08, 0, 1.36), 0.42, jacket);
  figure.Ball(figure.At(0.0, 0, 1.58), 0.16, scooter ? Rgb{0.75, 0.75, 0.72} : Rgb{0.1, 0.1, 0.12});
  const bool lit = light.night > 0.15 || condition.rain > 0.4 || condition.fog > 0.4;
  figure.Lamp(figure.At(0.62, 0, 0.88), true, kWhiteLamp, 0.1, lit ? 0.9 : 0.15);
  figure.Lamp(figure.At(-0.85, 0, 0.72), false, kRedLamp, 0.08,
              actor.braking ? 0.7
              : lit         ? 0.35
                            : 0.0);
}

}  // namespace

void PaintPerson(Canvas& canvas, const Light& light, const Place& place, const Actor& actor) {
  const double scale = actor.build;
  Figure figure(canvas, light, place, scale);
  const bool coat = actor.look == 1;
  const double swing = actor.speed > 0.1 ? 0.3 * std::sin(actor.travelled * 4.2 / scale) : 0.04;
  const Vec3 hip = figure.At(0, 0, 0.88);
  for (const double side : {-1.0, 1.0}) {
    const double reach = side * swing;
    figure.Limb(figure.At(0, 0.09 * side, 0.88), figure.At(reach, 0.09 * side, 0.06), 0.15,
                coat ? Mix(actor.second, Rgb{0.1, 0.1, 0.1}, 0.5) : actor.second);
    figure.Limb(figure.At(reach, 0.09 * side, 0.05), figure.At(reach + 0.12, 0.09 * side, 0.04),
                0.09, kRubber);
  }
  const double broad = coat ? 0.5 : 0.36;
  if (coat) figure.Limb(figure.At(0, 0, 0.6), figure.At(0, 0, 1.0), 0.46, actor.paint);
  figure.Limb(hip, figure.At(0.02, 0, 1.34), broad, actor.paint);
  for (const double side : {-1.0, 1.0}) {
    const double reach = -0.8 * side * swing;
    const bool holds = actor.look == 2 && side > 0;
    const Vec3 shoulder = figure.At(0, 0.24 * side, 1.4);
    const Vec3 hand = holds ? figure.At(0.2, 0.1, 1.35) : figure.At(reach, 0.26 * side, 0.9);
    figure.Limb(shoulder, hand, coat ? 0.14 : 0.1, actor.paint);
  }
  figure.Ball(figure.At(0.02, 0, 1.6), 0.13, actor.skin);
  figure.Ball(figure.At(-0.01, 0, 1.66), 0.125,
              coat ? Mix(actor.paint, Rgb{0.6, 0.2, 0.2}, 0.4) : Rgb{0.16, 0.11, 0.08});
  if (actor.look == 2) {  // an umbrella
    figure.Limb(figure.At(0.15, 0.08, 1.3), figure.At(0.12, 0.04, 2.1), 0.03, kSteel);
    std::array<Vec3, 10> rim;
    for (std::size_t i = 0; i < rim.size(); ++i) {
      const double angle = Radians(36.0 * static_cast<double>(i));
      rim[i] = figure.At(0.12 + 0.58 * std::cos(angle), 0.04 + 0.58 * std::sin(angle), 1.88);
    }
    canvas.Fill(rim, figure.Shade(0.75 * actor.second + 0.2 * actor.paint));
    const Vec3 top = figure.At(0.12, 0.04, 2.12);
    for (std::size_t i = 0; i < rim.size(); ++i) {
      const Vec3 segment[] = {rim[i], rim[(i + 1) % rim.size()], top};
      canvas.Fill(segment,
                  figure.Shade((i % 2 == 0 ? 0.9 : 0.75) * Mix(actor.second, actor.paint, 0.5)));
    }
  }
}

void PaintRider(Canvas& canvas, const Light& light, const Condition& condition, const Place& place,
                const Actor& actor) {
  Figure figure(canvas, light, place, actor.build);
  if (actor.kind == Kind::kBicycle) {
    PaintBicycle(figure, light, condition, actor);
  } else {
    PaintMotorcycle(figure, light, condition, actor);
  }
}

}  // namespace ekya::camera::scene
