#include "stages/camera/internal/scene/script.h"

#include <cmath>

#include "base/check.h"
#include "stages/camera/internal/scene/geometry.h"

namespace ekya::camera::scene {
namespace {

/// A kind of light and weather, and who is about then: persons, bicycles, cars, buses, trucks,
/// motorcycles.
struct Scenery {
  const char* name;
  double sun_elevation, sun_azimuth, cloud, rain, fog, snow, density;
  std::array<double, kKinds> mix;
};

enum { kClearDay, kLowSun, kRain, kDusk, kNight, kRainyNight, kFoggyDawn, kSnow };
constexpr std::size_t kStepsOfADay = 8;
constexpr std::array<Scenery, kStepsOfADay> kSceneries = {{
    {"clear day", 48, 205, 0.15, 0, 0, 0, 27, {0.20, 0.13, 0.30, 0.13, 0.13, 0.11}},
    {"low sun", 14, 243, 0.1, 0, 0.05, 0, 28, {0.26, 0.19, 0.22, 0.10, 0.10, 0.13}},
    {"rain", 35, 200, 1, 0.8, 0.25, 0, 25, {0.16, 0.08, 0.36, 0.18, 0.14, 0.08}},
    {"dusk", -1, 335, 0.45, 0, 0.1, 0, 28, {0.20, 0.15, 0.32, 0.11, 0.08, 0.14}},
    {"night", -14, 300, 0.2, 0, 0.05, 0, 25, {0.15, 0.10, 0.34, 0.10, 0.17, 0.14}},
    {"rainy night", -14, 300, 1, 0.9, 0.2, 0, 24, {0.18, 0.10, 0.28, 0.16, 0.20, 0.08}},
    {"foggy dawn", 6, 30, 0.8, 0, 1, 0, 25, {0.14, 0.14, 0.22, 0.18, 0.24, 0.08}},
    {"snow", 22, 160, 1, 0, 0.35, 1, 25, {0.28, 0.09, 0.24, 0.14, 0.15, 0.10}},
}};
/// What a day may bring, in this order: each begins as a clear one and lets night follow dusk.
using Day = std::array<int, kStepsOfADay>;
constexpr std::array<Day, 4> kDays = {{
    {kClearDay, kLowSun, kRain, kDusk, kNight, kRainyNight, kFoggyDawn, kSnow},
    {kClearDay, kLowSun, kDusk, kNight, kRainyNight, kFoggyDawn, kSnow, kRain},
    {kClearDay, kRain, kSnow, kLowSun, kDusk, kNight, kRainyNight, kFoggyDawn},
    {kClearDay, kSnow, kRain, kDusk, kRainyNight, kNight, kFoggyDawn, kLowSun},
}};

/// How far the mix of a step departs from its kind's, and how small a class may become.
constexpr double kMixSpread = 0.4;
constexpr double kSmallestPart = 0.09;

std::size_t Index(Kind kind) { return static_cast<std::size_t>(kind); }

}  // namespace

Condition Mix(const Condition& a, const Condition& b, double weight) {
  Condition mixed = a;
  for (const auto field : {&Condition::sun_elevation, &Condition::cloud, &Condition::rain,
                           &Condition::fog, &Condition::snow, &Condition::density}) {
    mixed.*field = Mix(a.*field, b.*field, weight);
  }
  // The sun takes the shorter way round.
  const double turn = std::remainder(b.sun_azimuth - a.sun_azimuth, 360.0);
  mixed.sun_azimuth = a.sun_azimuth + turn * weight;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    mixed.mix[kind] = Mix(a.mix[kind], b.mix[kind], weight);
    for (std::size_t look = 0; look < kLooks; ++look) {
      mixed.looks[kind][look] = Mix(a.looks[kind][look], b.looks[kind][look], weight);
    }
  }
  return mixed;
}

Script::Script(std::uint64_t seed) : random_(DeriveSeed(seed, "script")) { AddDay(); }

const Condition& Script::Step(std::int64_t step) {
  EKYA_CHECK(step >= 0);
  while (static_cast<std::size_t>(step) >= steps_.size()) AddDay();
  return steps_[static_cast<std::size_t>(step)];
}

Script::Moment Script::At(double scene_seconds) {
  Moment moment;
  const double steps = std::max(scene_seconds, 0.0) / kStepSeconds;
  moment.step = static_cast<std::int64_t>(steps);
  moment.weight = Smooth(0.5, 1, steps - std::floor(steps));
  Step(moment.step + 1);  // may move the steps
  moment.condition = Mix(Step(moment.step), Step(moment.step + 1), moment.weight);
  return moment;
}

void Script::AddDay() {
  for (const int which : kDays[random_.Below(kDays.size())]) {
    const Scenery& scenery = kSceneries[static_cast<std::size_t>(which)];
    Condition step;
    step.name = scenery.name;
    step.sun_elevation = scenery.sun_elevation;
    step.sun_azimuth = scenery.sun_azimuth + random_.Uniform(-20, 20);
    step.cloud = scenery.cloud;
    step.rain = scenery.rain;
    step.fog = scenery.fog;
    step.snow = scenery.snow;
    step.density = scenery.density * random_.Uniform(0.9, 1.1);

    double sum = 0;
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const double part = scenery.mix[kind] * std::exp(random_.Normal() * kMixSpread);
      step.mix[kind] = std::max(part, kSmallestPart);
      sum += step.mix[kind];
    }
    for (double& part : step.mix) part /= sum;

    // Fashions move on: from the third step, a class takes up its next look at each.
    if (steps_.size() >= 2) {
      int& look = look_[random_.Below(kKinds)];
      look = (look + 1) % kLooks;
    }
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      step.looks[kind].fill(0.08);
      step.looks[kind][static_cast<std::size_t>(look_[kind])] = 1 - 0.08 * (kLooks - 1);
    }
    // The weather dresses the persons: look 1 is a winter coat, look 2 an umbrella.
    auto& persons = step.looks[Index(Kind::kPerson)];
    if (step.snow > 0.5 || step.fog > 0.5) persons = {0.05, 0.9, 0.05};
    if (step.rain > 0.5) persons = {0.1, 0.2, 0.7};

    // Every third step somebody turns the camera a little.
    if (steps_.size() % 3 == 2) {
      yaw_ = random_.Uniform(-7, 7);
      pitch_ = random_.Uniform(-1.5, 2.5);
      zoom_ = random_.Uniform(0.85, 1.2);
    }
    step.yaw = yaw_;
    step.pitch = pitch_;
    step.zoom = zoom_;
    steps_.push_back(std::move(step));
  }
}

}  // namespace ekya::camera::scene
