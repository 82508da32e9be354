#include "stages/camera/scene_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "stages/camera/internal/scene/actors.h"
#include "stages/camera/internal/scene/backdrop.h"
#include "stages/camera/internal/scene/coverage.h"
#include "stages/camera/internal/scene/script.h"
#include "stages/camera/internal/scene/weather.h"
#include "stages/camera/internal/scene/world.h"

namespace ekya::camera {
namespace {

using scene::Actor;
using scene::Canvas;
using scene::Condition;
using scene::Light;
using scene::Vec3;
using scene::View;

constexpr int kWidth = 640;
constexpr int kHeight = 360;
constexpr double kRate = 15;
/// Smaller or more hidden than this, an object is nobody's to classify.
constexpr double kSmallestSide = 7;    // the shorter one, pixels
constexpr double kSmallestReach = 15;  // the longer one, pixels
constexpr double kLeastVisible = 0.4;

/// Where a camera hangs, before somebody turns it.
struct Mount {
  Vec3 eye;
  double yaw, pitch, focal;
};

Mount MountOf(std::uint64_t seed) {
  Random random(DeriveSeed(seed, "mount"));
  Mount mount;
  mount.eye = {random.Uniform(-17.5, -13), random.Uniform(-17.5, -13), random.Uniform(6.5, 9.5)};
  const Vec3 target{random.Uniform(1, 5), random.Uniform(1, 5), 0};
  mount.yaw = std::atan2(target.y - mount.eye.y, target.x - mount.eye.x);
  mount.pitch = scene::Radians(random.Uniform(14.5, 17));
  mount.focal = random.Uniform(480, 560);
  return mount;
}

class SceneSource : public Source {
 public:
  SceneSource(const CameraSettings& settings, std::uint64_t seed, std::vector<std::string> classes)
      : speed_(settings.speed),
        mount_(MountOf(seed)),
        script_(seed),
        world_(seed),
        backdrop_(seed),
        weather_(seed),
        canvas_(kWidth, kHeight, ViewOf(script_.Step(0))) {
    info_.width = kWidth;
    info_.height = kHeight;
    info_.frames_per_second = settings.frames_per_second > 0 ? settings.frames_per_second : kRate;
    info_.has_truth = true;
    for (const char* name : scene::kKindNames) {
      const auto found = std::find(classes.begin(), classes.end(), name);
      class_of_kind_.push_back(found == classes.end() ? -1
                                                      : static_cast<int>(found - classes.begin()));
    }
    info_.classes = std::move(classes);
    // Traffic as it is some time after the first car came.
    world_.Advance(45, script_.At(0).condition);
  }

  const SourceInfo& info() const override { return info_; }

  Result<std::optional<Frame>> Next() override {
    const double elapsed = static_cast<double>(index_) / info_.frames_per_second;
    const double scene_seconds = elapsed * speed_;
    const auto moment = script_.At(scene_seconds);
    world_.Advance(1 / info_.frames_per_second, moment.condition);

    Frame frame;
    frame.index = index_++;
    frame.time_seconds = elapsed;
    frame.source_time = fmt::format("{:.1f} s {}", scene_seconds, moment.condition.name);
    const Light light(moment.condition);
    ShowBackdrop(moment);
    PaintActors(light, moment.condition, frame.regions);
    weather_.PaintFalling(canvas_, light, moment.condition);
    weather_.Develop(canvas_, light, frame.image);
    return std::optional<Frame>(std::move(frame));
  }

  /// The road users go on, undrawn.
  Result<std::int64_t> SkipTo(double seconds) override {
    std::int64_t skipped = 0;
    for (; static_cast<double>(index_) / info_.frames_per_second < seconds; ++index_, ++skipped) {
      const double elapsed = static_cast<double>(index_) / info_.frames_per_second;
      world_.Advance(1 / info_.frames_per_second, script_.At(elapsed * speed_).condition);
    }
    return skipped;
  }

 private:
  View ViewOf(const Condition& condition) const {
    return {mount_.eye,
            mount_.yaw + scene::Radians(condition.yaw),
            mount_.pitch + scene::Radians(condition.pitch),
            mount_.focal * condition.zoom,
            kWidth,
            kHeight};
  }

  /// The backdrop of `moment`: painted once for a step and once for the next, and blended between
  /// them.
  void ShowBackdrop(const scene::Script::Moment& moment) {
    if (moment.step != step_) {
      step_ = moment.step;
      canvas_.SetView(ViewOf(script_.Step(step_)));
      PaintBackdrop(script_.Step(step_), from_);
      to_.clear();
      shown_weight_ = -1;
    }
    // 64 steps of a blend are more than one sees.
    const int weight = static_cast<int>(std::lround(64 * moment.weight));
    if (weight > 0 && to_.empty()) {
      // What follows is seen from where the camera hangs now.
      Condition next = script_.Step(step_ + 1);
      PaintBackdrop(next, to_);
    }
    if (weight != shown_weight_) {
      shown_weight_ = weight;
      shown_ = from_;
      if (weight > 0) {
        for (std::size_t i = 0; i < shown_.size(); ++i) {
          shown_[i] = static_cast<std::uint8_t>((from_[i] * (64 - weight) + to_[i] * weight) >> 6);
        }
      }
    }
    std::memcpy(canvas_.Pixels(), shown_.data(), shown_.size());
    canvas_.PixelsChanged();
  }

  void PaintBackdrop(const Condition& condition, std::vector<std::uint8_t>& pixels) {
    canvas_.MeasureExtent(false);
    backdrop_.Paint(canvas_, Light(condition), condition);
    canvas_.MeasureExtent(true);
    const std::uint8_t* painted = canvas_.Pixels();
    pixels.assign(painted, painted + static_cast<std::ptrdiff_t>(canvas_.stride()) * kHeight);
  }

  /// Paints the road users from far to near and lists those that can be seen.
  void PaintActors(const Light& light, const Condition& condition, std::vector<Region>& regions) {
    const auto& actors = world_.actors();
    std::vector<scene::Footprint> prints;
    for (const Actor& actor : actors) {
      if (canvas_.view().Depth(actor.position) > View::kNear) {
        scene::PaintGroundUnder(canvas_, light, condition, actor);
      }
      prints.push_back({scene::GroundPlan(actor), actor.position});
    }
    for (int corner = 0; corner < scene::kPosts; ++corner) {
      const Vec3 foot = scene::PostPosition(corner);
      prints.push_back({{foot, foot, foot, foot}, foot});
    }
    scene::Coverage coverage(kWidth, kHeight);
    for (const std::size_t i : scene::FarToNear(prints, canvas_.view().eye())) {
      if (i >= actors.size()) {
        const int corner = static_cast<int>(i - actors.size());
        scene::PaintPost(canvas_, light, corner, world_.Green(0));
        continue;
      }
      if (canvas_.view().Depth(actors[i].position) <= View::kNear) continue;
      scene::PaintActor(canvas_, light, condition, actors[i]);
      coverage.Add(static_cast<int>(i), canvas_.extent());
    }
    for (const auto& seen : coverage.Visible()) {
      const Actor& actor = actors[static_cast<std::size_t>(seen.id)];
      const int truth = class_of_kind_[static_cast<std::size_t>(actor.kind)];
      const auto [shorter, longer] = std::minmax(seen.box.width, seen.box.height);
      if (truth < 0 || seen.visible < kLeastVisible || shorter < kSmallestSide ||
          longer < kSmallestReach) {
        continue;
      }
      regions.push_back({.box = seen.box, .truth = truth, .track = actor.track});
    }
    std::sort(regions.begin(), regions.end(),
              [](const Region& a, const Region& b) { return a.track < b.track; });
  }

  const double speed_;
  const Mount mount_;
  SourceInfo info_;
  std::vector<int> class_of_kind_;  // -1: not among the camera's classes
  scene::Script script_;
  scene::World world_;
  scene::Backdrop backdrop_;
  scene::Weather weather_;
  Canvas canvas_;

  std::int64_t index_ = 0;
  std::int64_t step_ = -1;
  std::vector<std::uint8_t> from_, to_, shown_;  // backdrops, as the canvas has its pixels
  int shown_weight_ = -1;
};

}  // namespace

Result<std::unique_ptr<Source>> OpenScene(const CameraSettings& settings, std::uint64_t seed) {
  if (settings.url != "scene:intersection") {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: url: found \"{}\", expected scene:intersection",
                             settings.id, settings.url)};
  }
  if (!(settings.speed > 0) || !std::isfinite(settings.speed)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("camera {}: speed: found {}, expected more than 0", settings.id,
                             settings.speed)};
  }
  std::vector<std::string> classes = settings.classes;
  if (classes.empty()) classes.assign(scene::kKindNames.begin(), scene::kKindNames.end());
  for (const std::string& name : classes) {
    if (std::find(scene::kKindNames.begin(), scene::kKindNames.end(), name) ==
        scene::kKindNames.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("camera {}: classes: found \"{}\", expected some of {}", settings.id,
                               name, fmt::join(scene::kKindNames, ", "))};
    }
  }
  const std::uint64_t own = DeriveSeed(seed + settings.seed, settings.id);
  return std::unique_ptr<Source>(std::make_unique<SceneSource>(settings, own, std::move(classes)));
}

}  // namespace ekya::camera
