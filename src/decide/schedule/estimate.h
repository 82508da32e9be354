#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "core/situation.h"

/// What a scheduler expects of its decisions: the accuracy estimate of the paper (section 4.2) on a
/// situation that is prepared once for many fast questions.
namespace ekya::schedule {

/// An inference configuration that is worth its quanta: no other gives as much for fewer.
struct Level {
  Quanta quanta = 0;
  double factor = 0;
  int option = -1;  ///< Index in `StreamSituation::inference`; -1: the stream is not served.
};

/// A retraining configuration as the policies weigh it.
struct Retraining {
  double accuracy = 0;        ///< Expected afterwards, less the risk setting's share of the spread.
  double device_seconds = 0;  ///< At a whole device.
};

/// What can be done for one stream. Never changes while a schedule is made.
struct StreamChoices {
  int index = 0;      ///< In `Situation::streams`.
  double weight = 1;  ///< In the mean; the weights of all streams have a mean of 1.
  double floor = 0;   ///< The accuracy floor, or the stream's best where it cannot reach the floor.
  Quanta floor_quanta = 0;              ///< Inference that keeps the floor before any retraining.
  std::vector<Level> levels;            ///< Quanta and factor rise strictly; the first needs none.
  std::vector<std::uint16_t> level_at;  ///< By quanta from 0 to a device's: the best level.
  std::vector<Retraining> retrainings;  ///< All, in the situation's order.
  /// Those worth a thought, by rising device seconds: each beats the served model and every cheaper
  /// one.
  std::vector<int> efficient;
  /// Work done in a second by a retraining with 0, 1, ... quanta, in device seconds.
  std::vector<double> speed;
};

/// Where a stream stands at one moment of the (expected) window.
struct StreamState {
  double accuracy = 0;   ///< Of the served model, every frame analysed.
  int running = -1;      ///< Index in `StreamChoices::retrainings` of the one that has started.
  double work_left = 0;  ///< Of the running one, in device seconds.
  int device = -1;       ///< Where it runs and stays.
  bool retrained = false;
};

/// A situation, checked and prepared. Streams are in the order of their ids, so that the order of
/// the input never matters.
struct Problem {
  double window = 0;  ///< Seconds.
  int devices = 1;
  Quanta per_device = 10;
  bool floor_feasible = true;  ///< Whether some placed allocation serves every stream at its floor.
  bool floors_fit = true;      ///< The same with placement left out.
  std::vector<StreamChoices> streams;
  std::vector<StreamState> start;

  int count() const { return static_cast<int>(streams.size()); }
  Quanta capacity() const { return devices * per_device; }
  /// Accuracy of a model at `accuracy` under `level`, as the objective counts it: by the stream's
  /// weight, and below the floor it is worth so much less that no gain elsewhere makes up for it.
  double Worth(const StreamChoices& stream, double accuracy, const Level& level) const {
    const double now = accuracy * level.factor;
    const double worth = stream.weight * now;
    return now < stream.floor ? worth - Penalty(stream.floor - now) : worth;
  }
  /// Whether `level` keeps the stream's floor with a model at `accuracy`.
  bool KeepsFloor(const StreamChoices& stream, double accuracy, const Level& level) const {
    const double now = accuracy * level.factor;
    return now >= stream.floor || Penalty(stream.floor - now) <= 0;
  }
  double Penalty(double shortfall) const;
  /// The level that `quanta` of inference give; more than a device's worth is of no use.
  const Level& LevelAt(const StreamChoices& stream, Quanta quanta) const {
    return stream.levels[stream.level_at[quanta < per_device ? quanta : per_device]];
  }
};

/// Checks `situation` and prepares it. `risk` is how many standard deviations are taken off a
/// retraining's accuracy before it is weighed. Errors (kInvalid) name the stream and what is wrong.
Result<Problem> Prepare(const Situation& situation, double risk = 0);

/// The same problem on the first `devices` devices; nothing where a running retraining is on
/// another or where the floor, feasible on all devices, is not so on these.
std::optional<Problem> OnFewerDevices(const Problem& problem, int devices);

/// Mean of the stream's worth over `seconds` from now, times `seconds`, if `quanta` go to inference
/// and `retraining_quanta` to retraining number `retraining` (-1: none) until it ends, and from
/// then on all of them to inference (paper, section 4.2, algorithm 2). `work` is what the
/// retraining still needs in device seconds; one that ends after `seconds` changes nothing.
double EstimatedWorth(const Problem& problem, const StreamChoices& stream, double accuracy,
                      double seconds, Quanta quanta, int retraining, Quanta retraining_quanta,
                      double work);

/// A device for each item so that no device holds more than `per_device`; nothing where they do not
/// fit. Decreasing best fit first, then a bounded search: a "no" may be wrong for hard sets of more
/// than a few dozen large items.
std::optional<std::vector<int>> Pack(const std::vector<Quanta>& sizes, int devices,
                                     Quanta per_device);

}  // namespace ekya::schedule
