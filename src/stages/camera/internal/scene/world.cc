#include "stages/camera/internal/scene/world.h"

#include <span>

namespace ekya::camera::scene {
namespace {

constexpr double kGreen = 10;    // seconds of green for one axis
constexpr double kAllRed = 2.5;  // between two greens
constexpr double kAcceleration = 2.6;
constexpr double kBraking = 5;

/// Size and pace of a look of a class: metres, metres a second.
struct Form {
  double length, width, height, slow, fast;
};
constexpr Form kForms[kKinds][kLooks] = {
    {{0.45, 0.55, 1.74, 1.2, 1.8}, {0.5, 0.65, 1.76, 1.1, 1.5}, {0.9, 0.95, 2.05, 1.2, 1.7}},
    {{1.75, 0.6, 1.75, 3.8, 5.6}, {2.4, 0.7, 1.72, 3.2, 4.6}, {1.75, 0.75, 1.78, 3.6, 5.0}},
    {{4.3, 1.78, 1.46, 9, 12}, {4.7, 1.9, 1.85, 9, 12}, {5.2, 1.95, 1.8, 8, 11}},
    {{11.5, 2.5, 3.0, 7, 9}, {7.2, 2.2, 2.75, 7, 9.5}, {12, 2.55, 3.5, 7, 9}},
    {{7.8, 2.4, 3.2, 7, 9}, {8.6, 2.4, 2.6, 7, 9}, {6.4, 2.2, 2.9, 7.5, 10}},
    {{2.1, 0.75, 1.6, 9, 13}, {1.85, 0.7, 1.62, 8, 11}, {2.0, 0.8, 1.65, 8, 11}},
};

/// Colours that a look of a class comes in; each look has its own, so that fashions show.
using Palette = std::array<Rgb, 4>;
constexpr Palette kPaints[kKinds][kLooks] = {
    // persons: shirts; winter coats; raincoats
    {{{{0.80, 0.25, 0.22}, {0.25, 0.45, 0.75}, {0.88, 0.84, 0.76}, {0.35, 0.60, 0.36}}},
     {{{0.16, 0.17, 0.22}, {0.30, 0.20, 0.16}, {0.18, 0.24, 0.20}, {0.42, 0.40, 0.40}}},
     {{{0.75, 0.70, 0.20}, {0.25, 0.35, 0.50}, {0.55, 0.20, 0.30}, {0.20, 0.45, 0.45}}}},
    // cyclists: shirts; cargo riders in dark; capes
    {{{{0.90, 0.75, 0.20}, {0.30, 0.65, 0.80}, {0.85, 0.35, 0.30}, {0.90, 0.90, 0.88}}},
     {{{0.20, 0.22, 0.28}, {0.25, 0.30, 0.24}, {0.40, 0.28, 0.22}, {0.30, 0.30, 0.36}}},
     {{{0.55, 0.15, 0.20}, {0.20, 0.25, 0.45}, {0.45, 0.45, 0.20}, {0.30, 0.42, 0.34}}}},
    // cars: greys and blues; white and yellow vans; dark and red pickups
    {{{{0.55, 0.57, 0.60}, {0.22, 0.30, 0.50}, {0.70, 0.12, 0.12}, {0.12, 0.13, 0.15}}},
     {{{0.90, 0.90, 0.88}, {0.92, 0.72, 0.15}, {0.80, 0.82, 0.84}, {0.35, 0.55, 0.70}}},
     {{{0.15, 0.25, 0.20}, {0.50, 0.10, 0.10}, {0.24, 0.20, 0.18}, {0.65, 0.45, 0.20}}}},
    // buses: red city buses; white and blue minibuses; dark coaches
    {{{{0.78, 0.14, 0.12}, {0.82, 0.20, 0.14}, {0.70, 0.10, 0.12}, {0.80, 0.30, 0.12}}},
     {{{0.86, 0.88, 0.90}, {0.30, 0.48, 0.74}, {0.90, 0.88, 0.80}, {0.62, 0.72, 0.80}}},
     {{{0.16, 0.18, 0.28}, {0.20, 0.30, 0.24}, {0.30, 0.30, 0.33}, {0.38, 0.14, 0.22}}}},
    // trucks: white boxes; tarpaulins in strong colours; refuse trucks
    {{{{0.90, 0.90, 0.88}, {0.84, 0.86, 0.90}, {0.88, 0.84, 0.76}, {0.74, 0.78, 0.82}}},
     {{{0.72, 0.16, 0.14}, {0.20, 0.36, 0.62}, {0.22, 0.44, 0.26}, {0.80, 0.50, 0.14}}},
     {{{0.86, 0.46, 0.12}, {0.30, 0.46, 0.28}, {0.60, 0.60, 0.56}, {0.24, 0.34, 0.46}}}},
    // motorcycles: dark machines; bright scooters; delivery scooters
    {{{{0.12, 0.12, 0.14}, {0.20, 0.10, 0.10}, {0.14, 0.18, 0.30}, {0.30, 0.30, 0.32}}},
     {{{0.80, 0.24, 0.22}, {0.86, 0.86, 0.80}, {0.34, 0.64, 0.60}, {0.90, 0.70, 0.24}}},
     {{{0.20, 0.40, 0.30}, {0.60, 0.18, 0.40}, {0.30, 0.30, 0.50}, {0.50, 0.40, 0.30}}}},
};
constexpr Palette kTrousers = {
    {{0.18, 0.22, 0.34}, {0.25, 0.25, 0.26}, {0.45, 0.38, 0.30}, {0.12, 0.12, 0.14}}};
constexpr Palette kCabs = {
    {{0.20, 0.34, 0.56}, {0.70, 0.20, 0.16}, {0.86, 0.86, 0.84}, {0.24, 0.42, 0.30}}};
constexpr Palette kSkins = {
    {{0.86, 0.68, 0.56}, {0.72, 0.52, 0.40}, {0.48, 0.33, 0.25}, {0.92, 0.76, 0.66}}};

bool Walks(Kind kind) { return kind == Kind::kPerson; }

/// Along x for axis 0, along y for axis 1: the point `along` metres on the way in direction `sign`,
/// and `right` metres to the right of the street's middle.
Vec3 OnStreet(int axis, double sign, double along, double right) {
  return axis == 0 ? Vec3{sign * along, -sign * right, 0} : Vec3{sign * right, sign * along, 0};
}

void FinishWay(Actor& actor) {
  actor.mark.assign(1, 0);
  for (std::size_t i = 1; i < actor.way.size(); ++i) {
    actor.mark.push_back(actor.mark.back() + Length(actor.way[i] - actor.way[i - 1]));
  }
}

void Place(Actor& actor) {
  std::size_t leg = 1;
  while (leg + 1 < actor.mark.size() && actor.mark[leg] < actor.travelled) ++leg;
  const Vec3 from = actor.way[leg - 1];
  const Vec3 step = actor.way[leg] - from;
  const double length = std::max(actor.mark[leg] - actor.mark[leg - 1], 1e-6);
  actor.position = from + ((actor.travelled - actor.mark[leg - 1]) / length) * step;
  actor.heading = std::atan2(step.y, step.x);
}

}  // namespace

World::World(std::uint64_t seed) : random_(DeriveSeed(seed, "world")) {}

bool World::Green(int axis) const {
  const double phase =
      std::fmod(seconds_ + (axis == 0 ? 0 : kGreen + kAllRed), 2 * (kGreen + kAllRed));
  return phase < kGreen;
}

void World::Advance(double seconds, const Condition& condition) {
  constexpr double kLongestStep = 0.1;
  const int steps = std::max(1, static_cast<int>(std::ceil(seconds / kLongestStep - 1e-9)));
  for (int i = 0; i < steps; ++i) Step(seconds / steps, condition);
}

void World::Step(double seconds, const Condition& condition) {
  seconds_ += seconds;
  until_admission_ -= seconds;
  if (until_admission_ <= 0) {
    until_admission_ += 0.25;
    Admit(condition);
  }
  // First everybody looks, then everybody moves: the order makes no difference.
  std::vector<double> allowed;
  allowed.reserve(actors_.size());
  for (const Actor& actor : actors_) allowed.push_back(Allowed(actor));
  for (std::size_t i = 0; i < actors_.size(); ++i) {
    Actor& actor = actors_[i];
    actor.braking = allowed[i] < actor.speed - 0.05 || (actor.speed < 0.1 && allowed[i] < 0.1);
    const double change =
        std::clamp(allowed[i] - actor.speed, -kBraking * seconds, kAcceleration * seconds);
    actor.speed = Walks(actor.kind) ? allowed[i] : actor.speed + change;
    Move(actor, seconds);
  }
  std::erase_if(actors_, [](const Actor& actor) { return actor.travelled >= actor.mark.back(); });
}

/// Lets one newcomer in where the class that is most wanting has room.
void World::Admit(const Condition& condition) {
  std::array<double, kKinds> wanting{};
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    wanting[kind] = condition.density * condition.mix[kind];
  }
  for (const Actor& actor : actors_) wanting[static_cast<std::size_t>(actor.kind)] -= 1;
  std::size_t most = 0;
  for (std::size_t kind = 1; kind < kKinds; ++kind) {
    if (wanting[kind] > wanting[most]) most = kind;
  }
  if (wanting[most] < 0.5) return;
  if (auto actor = Create(static_cast<Kind>(most), condition)) actors_.push_back(std::move(*actor));
}

std::optional<Actor> World::Create(Kind kind, const Condition& condition) {
  Actor actor;
  actor.kind = kind;
  const auto index = static_cast<std::size_t>(kind);
  double choice = random_.Uniform();
  for (actor.look = 0; actor.look + 1 < kLooks; ++actor.look) {
    choice -= condition.looks[index][static_cast<std::size_t>(actor.look)];
    if (choice < 0) break;
  }
  Dress(actor, condition);
  if (Walks(kind)) {
    LayWalk(actor);
  } else {
    LayVehicleWay(actor);
  }
  FinishWay(actor);
  Place(actor);
  if (!Walks(kind)) {
    for (const Actor& other : actors_) {
      if (Length(other.position - actor.position) < 4 + (other.length + actor.length) / 2)
        return {};
    }
  }
  actor.track = next_track_++;
  return actor;
}

void World::Dress(Actor& actor, const Condition& condition) {
  const auto index = static_cast<std::size_t>(actor.kind);
  const auto look = static_cast<std::size_t>(actor.look);
  const Form& form = kForms[index][look];
  actor.build = random_.Uniform(0.9, 1.08);
  if (actor.kind == Kind::kPerson && random_.Uniform() < 0.12) actor.build *= 0.75;  // a child
  actor.length = form.length * actor.build;
  actor.width = form.width * std::sqrt(actor.build);
  actor.height = form.height * actor.build;
  actor.wish = random_.Uniform(form.slow, form.fast) *
               (1 - 0.2 * std::max({condition.rain, condition.snow, 0.7 * condition.fog}));
  actor.speed = actor.wish;
  const auto vary = [this](Rgb colour) {
    const double shade = random_.Uniform(0.85, 1.12);
    return Rgb{shade * colour.r + random_.Uniform(-0.04, 0.04),
               shade * colour.g + random_.Uniform(-0.04, 0.04),
               shade * colour.b + random_.Uniform(-0.04, 0.04)};
  };
  actor.paint = vary(kPaints[index][look][random_.Below(4)]);
  const bool rides =
      actor.kind != Kind::kTruck && actor.kind != Kind::kBus && actor.kind != Kind::kCar;
  actor.second = vary((rides ? kTrousers : kCabs)[random_.Below(4)]);
  actor.skin = kSkins[random_.Below(4)];
}

void World::LayVehicleWay(Actor& actor) {
  actor.axis = static_cast<int>(random_.Below(2));
  const double sign = random_.Below(2) == 0 ? 1 : -1;
  const bool bicycle = actor.kind == Kind::kBicycle;
  const bool heavy = actor.kind == Kind::kBus || actor.kind == Kind::kTruck;
  const bool outer = bicycle || (heavy ? random_.Uniform() < 0.75 : random_.Uniform() < 0.5);
  double right = (outer ? 5.2 : 1.8) + random_.Uniform(-0.2, 0.2);
  if (bicycle) right = 6.35 + random_.Uniform(-0.15, 0.1);
  if (actor.kind == Kind::kMotorcycle) right += random_.Uniform(-0.7, 0.7);

  // The camera stands south-west of the crossing: it sees the arms to the east and north.
  const double from = sign > 0 ? kNearReach : kReach;
  const double to = sign > 0 ? kReach : kNearReach;
  actor.way.push_back(OnStreet(actor.axis, sign, -from, right));
  const bool turns = outer && random_.Uniform() < 0.3;
  if (turns) {
    // A quarter round the corner to the right, into the outer lane of the other street.
    const double centre = 12;
    const double radius = centre - right;
    const double into = centre - radius;
    for (int i = 0; i <= 6; ++i) {
      const double angle = Radians(15.0 * i);
      const double along = -centre + radius * std::sin(angle);
      const double aside = centre - radius * std::cos(angle);
      actor.way.push_back(OnStreet(actor.axis, sign, along, aside));
    }
    const bool seen = (actor.axis == 0) == (sign < 0);  // turns to the north or east
    actor.way.push_back(OnStreet(actor.axis, sign, -into, seen ? kReach : kNearReach));
  } else {
    actor.way.push_back(OnStreet(actor.axis, sign, to, right));
  }
  actor.stop = from - kStopLine - actor.length / 2;
}

void World::LayWalk(Actor& actor) {
  // Out of a door, along the pavement, over the crosswalk or not, into another door.
  actor.axis = static_cast<int>(random_.Below(2));
  const double sign = random_.Below(2) == 0 ? 1 : -1;
  const double side = random_.Below(2) == 0 ? 1 : -1;
  const double line = side * random_.Uniform(kCrosswalkNear + 0.3, kCrosswalkFar - 0.3);
  const double door = side * (kPavementHalf + 0.6);
  const double from = random_.Uniform(13, sign > 0 ? 17 : 30);
  const bool crosses = random_.Uniform() < 0.75;
  const double to =
      crosses ? random_.Uniform(13, sign > 0 ? 30 : 17) : -random_.Uniform(12.5, 13.5);
  const auto at = [&](double along, double aside) {
    return actor.axis == 0 ? Vec3{sign * along, aside, 0} : Vec3{aside, sign * along, 0};
  };
  actor.way = {at(-from, door), at(-from, line), at(to, line), at(to, door)};
  if (crosses) actor.stop = std::abs(door - line) + from - kRoadHalf - random_.Uniform(0.5, 1.2);
}

/// The speed at which `actor` may go on.
double World::Allowed(const Actor& actor) const {
  double allowed = actor.wish;
  const auto stop_within = [&allowed](double gap) {
    allowed = std::min(allowed, std::sqrt(2 * 0.7 * kBraking * std::max(gap, 0.0)));
  };
  const double to_stop = actor.stop - actor.travelled;
  if (Walks(actor.kind)) {
    // Nobody sets out over the road when green is about to end.
    const double phase =
        std::fmod(seconds_ + (actor.axis == 0 ? 0 : kGreen + kAllRed), 2 * (kGreen + kAllRed));
    if (to_stop > 0 && to_stop < 0.3 && phase > kGreen - 6) return 0;
    return actor.wish;
  }
  if (to_stop > -0.5 && actor.stop > 0 && !Green(actor.axis)) {
    // Who can no longer stop comfortably drives on.
    if (actor.speed * actor.speed / (2 * kBraking) < to_stop + 0.5) stop_within(to_stop);
  }
  const Vec3 ahead{std::cos(actor.heading), std::sin(actor.heading), 0};
  for (const Actor& other : actors_) {
    if (&other == &actor) continue;
    const Vec3 to = other.position - actor.position;
    const double turn = other.heading - actor.heading;
    const double cosine = std::abs(std::cos(turn));
    const double sine = std::abs(std::sin(turn));
    const double along =
        Dot(to, ahead) - (actor.length + cosine * other.length + sine * other.width) / 2;
    if (along < -1 || along > 25 || Dot(to, ahead) <= 0) continue;
    const double aside = std::abs(ahead.x * to.y - ahead.y * to.x) -
                         (actor.width + sine * other.length + cosine * other.width) / 2;
    if (aside > 0.25) continue;
    // Two that wait for each other would wait for ever.
    const bool leads = std::cos(turn) > 0.7;
    if (!leads && actor.impatience > 4) continue;
    stop_within(along - 1.4);
  }
  return allowed;
}

void World::Move(Actor& actor, double seconds) {
  actor.travelled += actor.speed * seconds;
  const bool at_red = actor.stop - actor.travelled < 2 && actor.stop > actor.travelled - 0.5;
  if (actor.speed < 0.2 && !at_red && !Walks(actor.kind)) {
    actor.impatience += seconds;
  } else if (actor.speed > 2) {
    actor.impatience = 0;
  }
  Place(actor);
}

}  // namespace ekya::camera::scene
