#include "stages/camera/internal/scene/backdrop.h"

#include "stages/camera/internal/scene/solid.h"
#include "stages/camera/internal/scene/world.h"

namespace ekya::camera::scene {
namespace {

constexpr Vec3 kUp{0, 0, 1};
constexpr double kFar = 260;

constexpr std::array<Rgb, 8> kWalls = {{{0.72, 0.55, 0.42},
                                        {0.80, 0.74, 0.62},
                                        {0.62, 0.36, 0.28},
                                        {0.58, 0.60, 0.62},
                                        {0.86, 0.82, 0.74},
                                        {0.50, 0.56, 0.58},
                                        {0.76, 0.64, 0.46},
                                        {0.66, 0.50, 0.46}}};
constexpr std::array<Rgb, 5> kAwnings = {{{0.66, 0.18, 0.16},
                                          {0.16, 0.36, 0.30},
                                          {0.20, 0.30, 0.52},
                                          {0.80, 0.60, 0.22},
                                          {0.44, 0.24, 0.36}}};

/// Paints a flat piece of ground, still without the air before it.
void Ground(Canvas& canvas, const Light& light, double x0, double y0, double x1, double y1,
            Rgb colour, double alpha = 1) {
  const Vec3 corners[] = {{x0, y0, 0}, {x1, y0, 0}, {x1, y1, 0}, {x0, y1, 0}};
  canvas.Fill(corners, light.Shade(colour, kUp, 0), alpha);
}

/// A strip of street along `axis`.
void Strip(Canvas& canvas, const Light& light, int axis, double from, double to, double low,
           double high, Rgb colour, double alpha = 1) {
  if (axis == 0) {
    Ground(canvas, light, from, low, to, high, colour, alpha);
  } else {
    Ground(canvas, light, low, from, high, to, colour, alpha);
  }
}

}  // namespace

Backdrop::Backdrop(std::uint64_t seed) : seed_(DeriveSeed(seed, "backdrop")) {
  Random random(seed_);
  const double grey = random.Uniform(0.34, 0.42);
  asphalt_ = {grey, grey, grey + random.Uniform(0.0, 0.025)};
  const double stone = random.Uniform(0.56, 0.66);
  pavement_ = {stone, stone * random.Uniform(0.93, 0.99), stone * random.Uniform(0.86, 0.96)};
  lawn_ = {random.Uniform(0.30, 0.40), random.Uniform(0.44, 0.52), random.Uniform(0.22, 0.30)};

  // Houses along the three blocks that the camera looks at; it stands on the fourth.
  for (const auto& [sx, sy] : {std::pair{1.0, 1.0}, {1.0, -1.0}, {-1.0, 1.0}}) {
    for (const bool along_x : {true, false}) {
      double at = kPavementHalf + 0.6 + random.Uniform(0, 0.8);
      const bool corner = along_x;  // one of the two rows has the corner house
      if (!corner) at += 14;
      while (at < 125) {
        const double front = random.Uniform(9, 19);
        const double depth = corner && at < 14 ? front : random.Uniform(10, 14);
        House house;
        const double near = kPavementHalf + 0.6 + random.Uniform(0, 0.5);
        const double a = at;
        const double b = at + front - (random.Uniform() < 0.2 ? 2.5 : 0.1);
        const Vec3 p = along_x ? Vec3{sx * a, sy * near, 0} : Vec3{sx * near, sy * a, 0};
        const Vec3 q =
            along_x ? Vec3{sx * b, sy * (near + depth), 0} : Vec3{sx * (near + depth), sy * b, 0};
        house.storeys = 2 + static_cast<int>(random.Below(5));
        house.low = {std::min(p.x, q.x), std::min(p.y, q.y), 0};
        house.high = {std::max(p.x, q.x), std::max(p.y, q.y), 3.4 + 3.0 * house.storeys};
        const double shade = random.Uniform(0.85, 1.05);
        house.wall = shade * kWalls[random.Below(kWalls.size())];
        house.trim = kAwnings[random.Below(kAwnings.size())];
        house.roof = random.Uniform() < 0.5 ? Rgb{0.42, 0.24, 0.20} : Rgb{0.28, 0.29, 0.32};
        house.columns = 3 + static_cast<int>(front / 4);
        house.pitched = random.Uniform() < 0.5;
        house.seed = random.Bits();
        houses_.push_back(house);
        at += front + (random.Uniform() < 0.15 ? random.Uniform(3, 8) : 0);
      }
    }
  }
  for (int i = 0; i < 16; ++i) {
    Tree tree;
    const double along = 17 + 6.5 * (i / 2) + random.Uniform(-1.2, 1.2);
    const double aside = kPavementHalf - 0.9;
    tree.foot = i % 2 == 0 ? Vec3{along, aside, 0} : Vec3{aside, along, 0};
    if (random.Uniform() < 0.4) tree.foot = {-tree.foot.x, tree.foot.y, 0};
    if (tree.foot.y > 0 && tree.foot.x < 0 && random.Uniform() < 0.5) continue;
    tree.height = random.Uniform(4.5, 7.5);
    tree.leaf = {random.Uniform(0.20, 0.36), random.Uniform(0.38, 0.50),
                 random.Uniform(0.14, 0.24)};
    tree.seed = random.Bits();
    trees_.push_back(tree);
  }
  for (int i = 0; i < 40; ++i) {
    Patch patch;
    const double along = random.Uniform(-20, 50);
    const double aside = random.Uniform(-6.5, 6.5);
    patch.middle = i % 2 == 0 ? Vec3{along, aside, 0} : Vec3{aside, along, 0};
    patch.length = random.Uniform(0.6, 5);
    patch.width = random.Uniform(0.4, 1.6);
    patch.heading = (i % 2 == 0 ? 0 : std::numbers::pi / 2) + random.Uniform(-0.05, 0.05);
    patch.shade = random.Uniform() < 0.6 ? random.Uniform(0.72, 0.9) : random.Uniform(1.05, 1.15);
    patches_.push_back(patch);
  }
}

void Backdrop::Paint(Canvas& canvas, const Light& light, const Condition& condition) const {
  PaintSky(canvas, light, condition);
  PaintGround(canvas, light, condition);
  PaintMarkings(canvas, light, condition);
  PaintShadows(canvas, light);
  FinishGround(canvas, light, condition);
  PaintLampPools(canvas, light, condition);
  // Houses and trees from far to near.
  struct Item {
    double distance;
    const House* house;
    const Tree* tree;
  };
  std::vector<Item> items;
  const Vec3 eye = canvas.view().eye();
  for (const House& house : houses_) {
    const Vec3 nearest{std::clamp(eye.x, house.low.x, house.high.x),
                       std::clamp(eye.y, house.low.y, house.high.y), 0};
    items.push_back({Length(nearest - Vec3{eye.x, eye.y, 0}), &house, nullptr});
  }
  for (const Tree& tree : trees_) {
    items.push_back({Length(tree.foot - Vec3{eye.x, eye.y, 0}), nullptr, &tree});
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.distance > b.distance; });
  for (const Item& item : items) {
    if (item.house != nullptr) PaintHouse(canvas, light, condition, *item.house);
    if (item.tree != nullptr) PaintTree(canvas, light, condition, *item.tree);
  }
}

void Backdrop::PaintSky(Canvas& canvas, const Light& light, const Condition& condition) const {
  cairo_t* cairo = canvas.cairo();
  const double horizon = canvas.view().horizon();
  cairo_pattern_t* sky =
      cairo_pattern_create_linear(0, horizon - 0.6 * canvas.view().focal(), 0, horizon);
  cairo_pattern_add_color_stop_rgb(sky, 0, light.zenith.r, light.zenith.g, light.zenith.b);
  cairo_pattern_add_color_stop_rgb(sky, 1, light.horizon.r, light.horizon.g, light.horizon.b);
  cairo_set_source(cairo, sky);
  cairo_paint(cairo);
  cairo_pattern_destroy(sky);

  Random random(DeriveSeed(seed_, "sky"));
  const double clouds = condition.cloud * (1 - 0.7 * condition.fog);
  const Rgb cloud = Mix(light.horizon, Rgb{1, 1, 1}, 0.35 * (1 - light.night));
  for (int i = 0; i < 60; ++i) {
    const double x = random.Uniform(-60, canvas.width() + 60);
    const double y = horizon - random.Uniform(8, 180);
    const double size = random.Uniform(10, 38);
    const double alpha = random.Uniform(0.04, 0.22) * clouds;
    cairo_set_source_rgba(cairo, cloud.r, cloud.g, cloud.b, alpha);
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, 2.6, 1);
    cairo_arc(cairo, 0, 0, size, 0, 2 * std::numbers::pi);
    cairo_restore(cairo);
    cairo_fill(cairo);
  }
  // The town in the distance.
  for (double bearing = -0.35; bearing < 2.0;) {
    const double width = random.Uniform(0.03, 0.09);
    const double height = random.Uniform(8, 34);
    const Vec3 a{240 * std::cos(bearing), 240 * std::sin(bearing), -2};
    const Vec3 b{240 * std::cos(bearing + width), 240 * std::sin(bearing + width), -2};
    const Vec3 front[] = {a, b, b + Vec3{0, 0, height}, a + Vec3{0, 0, height}};
    canvas.Fill(front, light.Through(light.Shade({0.5, 0.5, 0.55}, {0, -0.7, 0.2}, 0), 300));
    bearing += width * random.Uniform(0.9, 1.3);
  }
}

void Backdrop::PaintGround(Canvas& canvas, const Light& light, const Condition& condition) const {
  const double white = 0.92 * condition.snow;
  const Rgb snow{0.88, 0.90, 0.94};
  const Rgb lawn = Mix(lawn_, snow, white);
  const Rgb pavement = Mix((1 - 0.25 * condition.rain) * pavement_, snow, 0.85 * white);
  const Rgb asphalt =
      Mix((1 - 0.4 * condition.rain) * asphalt_, Rgb{0.62, 0.64, 0.68}, 0.75 * white);
  for (const double x : {-kFar, 0.0}) {
    Ground(canvas, light, x, -60, x + kFar, kFar, lawn);
  }
  for (const int axis : {0, 1}) {
    Strip(canvas, light, axis, -60, kFar, -kPavementHalf - 1, kPavementHalf + 1, pavement);
  }
  // Flagstones.
  const Rgb joint = 0.86 * pavement;
  for (const int axis : {0, 1}) {
    for (const double side : {-1.0, 1.0}) {
      for (double at = -24; at < 60; at += 1.5) {
        const double low = side > 0 ? kRoadHalf : -kPavementHalf;
        Strip(canvas, light, axis, at, at + 0.07, low, low + kPavementHalf - kRoadHalf, joint, 0.6);
      }
    }
  }
  for (const int axis : {0, 1}) {
    for (const double side : {-1.0, 1.0}) {  // kerbs
      const double edge = side * (kRoadHalf + 0.12);
      Strip(canvas, light, axis, -60, kFar, edge - 0.14, edge + 0.14, 1.18 * pavement);
    }
  }
  for (const int axis : {0, 1}) {
    Strip(canvas, light, axis, -60, kFar, -kRoadHalf, kRoadHalf, asphalt);
  }
  // Rounded kerbs at the corners would need arcs; short slants do.
  for (const double sx : {-1.0, 1.0}) {
    for (const double sy : {-1.0, 1.0}) {
      const Vec3 slant[] = {{sx * kRoadHalf, sy * kRoadHalf, 0},
                            {sx * (kRoadHalf + 1.8), sy * kRoadHalf, 0},
                            {sx * (kRoadHalf + 0.5), sy * (kRoadHalf + 0.5), 0},
                            {sx * kRoadHalf, sy * (kRoadHalf + 1.8), 0}};
      canvas.Fill(slant, light.Shade(asphalt, kUp, 0));
    }
  }
  for (const Patch& patch : patches_) {
    const Place place = Place::At(patch.middle, patch.heading);
    const Vec3 corners[] = {place.Point(-patch.length, -patch.width / 2, 0),
                            place.Point(patch.length, -patch.width / 2, 0),
                            place.Point(patch.length, patch.width / 2, 0),
                            place.Point(-patch.length, patch.width / 2, 0)};
    canvas.Fill(corners, light.Shade(patch.shade * asphalt, kUp, 0), 0.5 * (1 - white));
  }
  // Wheels darken their tracks, or clear them of snow.
  const Rgb track = Mix(0.88 * asphalt_, Rgb{0.36, 0.36, 0.38}, white);
  for (const int axis : {0, 1}) {
    for (const double lane : {-5.2, -1.8, 1.8, 5.2}) {
      for (const double wheel : {-0.75, 0.75}) {
        for (const double side : {-1.0, 1.0}) {
          Strip(canvas, light, axis, side > 0 ? kRoadHalf : -40, side > 0 ? 140 : -kRoadHalf,
                lane + wheel - 0.25, lane + wheel + 0.25, track, 0.28 + 0.35 * white);
        }
      }
    }
  }
}

void Backdrop::PaintMarkings(Canvas& canvas, const Light& light, const Condition& condition) const {
  const double visible = 0.9 - 0.7 * condition.snow;
  const Rgb white{0.84, 0.84, 0.82};
  const Rgb yellow{0.80, 0.66, 0.26};
  for (const int axis : {0, 1}) {
    for (const double side : {-1.0, 1.0}) {
      const double from = side > 0 ? kStopLine + 0.6 : -150;
      const double to = side > 0 ? 150 : -kStopLine - 0.6;
      for (const double line : {-0.14, 0.14}) {
        Strip(canvas, light, axis, from, to, line - 0.06, line + 0.06, yellow, visible);
      }
      for (const double lane : {-3.5, 3.5}) {
        for (double at = kStopLine + 1; at < 100; at += 4.5) {
          const double low = side > 0 ? at : -at - 2;
          Strip(canvas, light, axis, low, low + 2, lane - 0.07, lane + 0.07, white, visible);
        }
      }
      // The stop line is for those who come: on their right of the street's middle.
      const double stop = side * (kStopLine - 0.3);
      const bool positive = (axis == 0) == (side > 0);
      Strip(canvas, light, axis, stop - 0.22, stop + 0.22, positive ? 0.3 : -kRoadHalf + 0.2,
            positive ? kRoadHalf - 0.2 : -0.3, white, visible);
      for (double at = -kRoadHalf + 0.5; at < kRoadHalf - 0.5; at += 1.15) {  // the crosswalk
        Strip(canvas, light, axis, side > 0 ? kCrosswalkNear : -kCrosswalkFar,
              side > 0 ? kCrosswalkFar : -kCrosswalkNear, at, at + 0.6, white, visible);
      }
    }
  }
}

void Backdrop::PaintShadows(Canvas& canvas, const Light& light) const {
  if (light.shadow < 0.03) return;
  const auto cast = [&](std::vector<Vec3> points, double height) {
    const double stretch = std::min(height / light.toward_sun.z, 90.0);
    const std::size_t count = points.size();
    for (std::size_t i = 0; i < count; ++i) {
      points.push_back(points[i] - stretch * Vec3{light.toward_sun.x, light.toward_sun.y, 0});
    }
    return Hull(std::move(points));
  };
  // One path for all: where two shadows meet it is no darker.
  cairo_push_group(canvas.cairo());
  for (const House& house : houses_) {
    canvas.Fill(cast({house.low,
                      {house.high.x, house.low.y, 0},
                      {house.high.x, house.high.y, 0},
                      {house.low.x, house.high.y, 0}},
                     house.high.z),
                {0.02, 0.02, 0.04});
  }
  for (const Tree& tree : trees_) {
    std::vector<Vec3> crown;
    const Vec3 shift = -0.7 * std::min(tree.height / light.toward_sun.z, 40.0) *
                       Vec3{light.toward_sun.x, light.toward_sun.y, 0};
    for (int i = 0; i < 12; ++i) {
      const double angle = Radians(30.0 * i);
      crown.push_back(tree.foot + shift +
                      0.34 * tree.height * Vec3{std::cos(angle), std::sin(angle), 0});
    }
    canvas.Fill(crown, {0.02, 0.02, 0.04});
  }
  cairo_pop_group_to_source(canvas.cairo());
  cairo_paint_with_alpha(canvas.cairo(), light.shadow * 0.85);
}

void Backdrop::PaintLampPools(Canvas& canvas, const Light& light,
                              const Condition& condition) const {
  if (light.night < 0.05) return;
  const View& view = canvas.view();
  const double strength = light.night * (0.12 + 0.06 * condition.rain + 0.10 * condition.snow);
  for (const int axis : {0, 1}) {
    for (const double along : {-8.0, 8.0, 30.0, 54.0}) {
      for (const double side : {-1.0, 1.0}) {
        const double aside = side * (kRoadHalf - 0.7);
        const Vec3 middle = axis == 0 ? Vec3{along, aside, 0} : Vec3{aside, along, 0};
        const double depth = view.Depth(middle);
        if (depth < 4) continue;
        // A circle on the ground is seen as an ellipse, flat with distance.
        const double radius = 11 * view.focal() / depth;
        const double flat = std::min((view.eye().z - middle.z) / depth * 1.15, 0.8);
        canvas.Glow(view.X(middle, depth), view.Y(middle, depth), radius,
                    strength * Rgb{1, 0.80, 0.48}, flat);
      }
    }
  }
}

void Backdrop::PaintHouse(Canvas& canvas, const Light& light, const Condition& condition,
                          const House& house) const {
  const Vec3 middle{(house.low.x + house.high.x) / 2, (house.low.y + house.high.y) / 2, 0};
  const double half_x = (house.high.x - house.low.x) / 2;
  const double half_y = (house.high.y - house.low.y) / 2;
  const Place place = Place::At(middle, 0);
  const Solid body(place,
                   {.x0 = -half_x, .x1 = half_x, .half = half_y, .z0 = 0, .z1 = house.high.z});
  body.Paint(canvas, light, house.wall);
  const Rgb roof = Mix(house.roof, Rgb{0.88, 0.90, 0.94}, 0.9 * condition.snow);
  const double roof_height = house.pitched ? 2.6 : 0.5;
  const double slope = house.pitched ? std::min(half_x, half_y) - 0.4 : 0.0;
  const double over = house.pitched ? 0.35 : 0.12;
  const Solid top(place, {.x0 = -half_x - over,
                          .x1 = half_x + over,
                          .half = half_y + over,
                          .z0 = house.high.z,
                          .z1 = house.high.z + roof_height,
                          .back_slope = slope,
                          .front_slope = slope,
                          .side_slope = slope});
  top.Paint(canvas, light, house.pitched ? roof : Mix(0.8 * house.wall, roof, condition.snow));

  Random random(house.seed);
  const double distance = Length(middle - canvas.view().eye());
  const double floor = 3.0 / house.high.z;
  const double ground = 3.4 / house.high.z;
  for (const auto face : {Solid::kFront, Solid::kBack, Solid::kLeft, Solid::kRight}) {
    const bool along_y = face == Solid::kFront || face == Solid::kBack;
    const double front = 2 * (along_y ? half_y : half_x);
    const int columns = std::max(2, static_cast<int>(front / 2.9));
    for (int storey = 0; storey < house.storeys; ++storey) {
      for (int column = 0; column < columns; ++column) {
        const bool lit = random.Uniform() < 0.38;
        const double warmth = random.Uniform(0.5, 1);
        if (!body.Faces(canvas, face)) continue;
        const double u0 = (column + 0.28) / columns;
        const double u1 = (column + 0.72) / columns;
        const double v0 = ground + floor * (storey + 0.22);
        const double v1 = ground + floor * (storey + 0.8);
        if (distance < 60) {
          const double frame = 0.03 / columns * 3;
          body.PaintPart(canvas, light, face, u0 - frame, v0 - 0.12 * floor, u1 + frame,
                         v1 + 0.04 * floor, Mix(house.wall, Rgb{0.95, 0.93, 0.88}, 0.5));
        }
        // Glass shows the sky.
        const Rgb glass = Mix(Rgb{0.10, 0.12, 0.15}, 0.55 * light.horizon, 0.45);
        body.PaintShining(canvas, light, face, u0, v0, u1, v1, glass);
        if (lit && light.night > 0.05) {
          const Rgb warm = light.night * Rgb{0.95 * warmth, 0.76 * warmth, 0.42 * warmth};
          body.PaintShining(canvas, light, face, u0, v0, u1, v1, glass + warm);
        }
      }
    }
    body.PaintPart(canvas, light, face, 0, ground - 0.012, 1, ground + 0.01, 1.12 * house.wall);
    body.PaintPart(canvas, light, face, 0, 0.975, 1, 1, 0.82 * house.wall);
    // Shops.
    const int shops = std::max(1, static_cast<int>(front / 6));
    for (int shop = 0; shop < shops; ++shop) {
      const double u0 = (shop + 0.08) / shops;
      const double u1 = (shop + 0.92) / shops;
      const double glow = random.Uniform(0.3, 0.95);
      if (!body.Faces(canvas, face)) continue;
      const Rgb glass = Mix(Rgb{0.12, 0.13, 0.15}, 0.5 * light.horizon, 0.35);
      body.PaintShining(canvas, light, face, u0, 0.08 * ground, u1, 0.72 * ground,
                        glass + glow * light.night * Rgb{0.9, 0.75, 0.5});
      body.PaintPart(canvas, light, face, u0, 0.72 * ground, u1, 0.92 * ground,
                     Mix(house.trim, house.wall, 0.25 * (shop % 2)));
    }
  }
}

void Backdrop::PaintTree(Canvas& canvas, const Light& light, const Condition& condition,
                         const Tree& tree) const {
  Random random(tree.seed);
  const double distance = Length(tree.foot - canvas.view().eye());
  const Vec3 trunk[] = {tree.foot, tree.foot + Vec3{0, 0, 0.6 * tree.height}};
  canvas.Stroke(trunk, 0.28, light.Shade({0.30, 0.23, 0.17}, {0, -0.5, 0.2}, distance));
  const double radius = 0.32 * tree.height;
  const Vec3 crown = tree.foot + Vec3{0, 0, 0.68 * tree.height};
  if (condition.snow > 0.5) {  // bare, and white above
    for (int i = 0; i < 26; ++i) {
      const double angle = random.Uniform(0, 2 * std::numbers::pi);
      const Vec3 tip = crown + radius * Vec3{0.9 * std::cos(angle), 0.9 * std::sin(angle),
                                             random.Uniform(-0.5, 1)};
      const Vec3 branch[] = {tree.foot + Vec3{0, 0, random.Uniform(0.4, 0.6) * tree.height}, tip};
      canvas.Stroke(branch, 0.07, light.Shade({0.30, 0.25, 0.21}, {0, 0, 0.3}, distance));
      canvas.Ball(tip, 0.16, light.Shade({0.88, 0.90, 0.94}, kUp, distance), 0.8);
    }
    return;
  }
  // Dark leaves first, then those that the light reaches.
  for (int i = 0; i < 120; ++i) {
    const double height = -0.7 + 1.7 * i / 120.0;
    const double wide = std::sqrt(std::max(0.05, 1 - 0.9 * height * height));
    const double angle = random.Uniform(0, 2 * std::numbers::pi);
    const double out = wide * std::sqrt(random.Uniform());
    const Vec3 offset{out * std::cos(angle), out * std::sin(angle), height};
    const double bright = random.Uniform(0.62, 0.95) + 0.3 * height;
    canvas.Ball(crown + radius * offset, radius * random.Uniform(0.12, 0.24),
                light.Shade(bright * tree.leaf, {0.5 * offset.x, 0.5 * offset.y, 0.6}, distance));
  }
}

/// Gives the ground the grain of asphalt and stone, pixel by pixel, and the air its colour with
/// distance, row by row.
void Backdrop::FinishGround(Canvas& canvas, const Light& light, const Condition& condition) const {
  Random random(DeriveSeed(seed_, "grain"));
  const View& view = canvas.view();
  std::uint8_t* pixels = canvas.Pixels();
  const int top = std::clamp(static_cast<int>(std::ceil(view.horizon())), 0, canvas.height());
  const double strength = 0.13 * (1 - 0.6 * condition.snow);
  const double air[3] = {255 * light.air.b, 255 * light.air.g, 255 * light.air.r};
  for (int y = top; y < canvas.height(); ++y) {
    const double below =
        (y + 0.5 - view.horizon()) / view.focal();  // the tangent of its angle, nearly
    const double distance = std::min(view.eye().z / std::max(below, 1e-3), 400.0);
    const double clear = std::exp(-light.haze * distance);
    const double grain = strength * clear * Smooth(top, top + 140, y);
    std::uint8_t* pixel = pixels + static_cast<std::ptrdiff_t>(y) * canvas.stride();
    for (int x = 0; x < canvas.width(); ++x, pixel += 4) {
      const double factor = clear + grain * (random.Uniform() + random.Uniform() - 1);
      for (int channel = 0; channel < 3; ++channel) {
        const double value = pixel[channel] * factor + (1 - clear) * air[channel];
        pixel[channel] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  canvas.PixelsChanged();
}

}  // namespace ekya::camera::scene
