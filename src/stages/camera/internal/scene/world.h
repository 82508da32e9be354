#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "stages/camera/internal/scene/condition.h"
#include "stages/camera/internal/scene/geometry.h"

namespace ekya::camera::scene {

// The crossing of two streets, metres from its middle.
inline constexpr double kRoadHalf = 7;  ///< From a street's middle to its kerb: two lanes each way.
inline constexpr double kPavementHalf = 12;  ///< From a street's middle to the houses.
inline constexpr double kStopLine = 12.4;
inline constexpr double kCrosswalkNear = 8.1;
inline constexpr double kCrosswalkFar = 11.0;
inline constexpr double kReach = 56;      ///< Where vehicles come from and go to, in view.
inline constexpr double kNearReach = 27;  ///< Alike beside and behind the camera, out of view.

/// One road user.
struct Actor {
  std::int64_t track = 0;
  Kind kind = Kind::kCar;
  int look = 0;
  double length = 4, width = 2, height = 1.5;
  Rgb paint;   ///< The main colour: bodywork, coat.
  Rgb second;  ///< Another one: trousers, tarpaulin, stripe.
  Rgb skin;
  double build = 1;  ///< A factor on the size.

  Vec3 position;         ///< The middle, on the ground.
  double heading = 0;    ///< Radians from east to north.
  double travelled = 0;  ///< Metres along its way: legs and pedals follow it.
  bool braking = false;

  std::vector<Vec3> way;     ///< Corners of its way.
  std::vector<double> mark;  ///< Metres along the way of each corner.
  double stop = -1;          ///< Metres along the way where it waits for green; negative: nowhere.
  int axis = 0;              ///< Of the street it follows: 0 east-west, 1 north-south.
  double speed = 0;
  double wish = 0;        ///< Speed when nothing is in the way.
  double impatience = 0;  ///< Seconds it has stood without a red light.
};

/// The road users about the crossing. They keep to lanes, lights, crosswalks and distances; who
/// comes next follows the condition's mix. The same seed and calls give the same world.
class World {
 public:
  explicit World(std::uint64_t seed);

  /// Lets `seconds` pass, in steps that are small enough.
  void Advance(double seconds, const Condition& condition);
  const std::vector<Actor>& actors() const { return actors_; }
  /// Whether vehicles along `axis` have green.
  bool Green(int axis) const;
  double seconds() const { return seconds_; }

 private:
  void Step(double seconds, const Condition& condition);
  void Admit(const Condition& condition);
  std::optional<Actor> Create(Kind kind, const Condition& condition);
  void LayVehicleWay(Actor& actor);
  void LayWalk(Actor& actor);
  void Dress(Actor& actor, const Condition& condition);
  double Allowed(const Actor& actor) const;
  void Move(Actor& actor, double seconds);

  Random random_;
  std::vector<Actor> actors_;
  double seconds_ = 0;
  double until_admission_ = 0;
  std::int64_t next_track_ = 0;
};

}  // namespace ekya::camera::scene
