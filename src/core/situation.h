#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya {

/// The smallest share of a device, as a count: `quanta_per_device` of them are one device.
/// Integers, so that sums of shares are exact.
using Quanta = int;

/// What the formats of situations and traces hold at most, so that no file can ask for a table that
/// exhausts memory.
inline constexpr int kMaxStreams = 10'000;
inline constexpr int kMaxProfiles = 1'000;  ///< Of inference, and of retraining, per stream.
inline constexpr int kMaxDevices = 1'000;
inline constexpr Quanta kMaxQuantaPerDevice = 1'000;
inline constexpr double kMaxWeight = 1'000;

/// What serving a stream under one inference configuration needs and gives.
struct InferenceProfile {
  std::string id;
  double share = 0;   ///< Fraction of one device that keeps up with the stream, [0, 1].
  double factor = 0;  ///< Multiplies the served model's accuracy, [0, 1].
};

/// What one retraining configuration is expected to give and cost.
struct RetrainingProfile {
  std::string id;
  double accuracy = 0;        ///< Of the retrained model, every frame analysed, 0..1.
  double device_seconds = 0;  ///< At a whole device.
  double spread = 0;          ///< Standard deviation of `accuracy`'s estimate; 0: exact or unknown.
};

/// A retraining that has started already when a scheduler is asked (again).
struct RunningRetraining {
  std::string id;             ///< Its configuration; it can go on or be stopped, not changed.
  int device = 0;             ///< Where it runs; it cannot move.
  double device_seconds = 0;  ///< Work left, at a whole device.
};

/// How fast a retraining runs with a part of a device, measured.
struct ThroughputPoint {
  double share = 0;  ///< Of a device, (0, 1].
  double speed = 0;  ///< Part of the speed on a whole device, (0, 1].
};

/// The speed at `share` by straight lines between the points of `curve`, with (0, 0) before them
/// and (1, 1) after; an empty curve is the straight line between these. Shares rise strictly in
/// `curve`, speeds do not fall.
double Speed(const std::vector<ThroughputPoint>& curve, double share);

/// One stream as a scheduler sees it.
struct StreamSituation {
  std::string id;
  double accuracy = 0;  ///< Of the served model now, every frame analysed, 0..1.
  std::vector<InferenceProfile> inference;
  std::vector<RetrainingProfile> retraining;
  std::optional<RunningRetraining> running;
  bool retrained = false;  ///< Its one retraining of this window has ended: no other may start.
  double weight = 1;       ///< Of its accuracy in the mean, (0, kMaxWeight].
  /// Of its model's retraining, mostly steeper at small shares; empty: speed is the share itself.
  std::vector<ThroughputPoint> throughput = {};
};

/// The input of one scheduling decision: `ekya-situation/1`.
struct Situation {
  double window_seconds = 0;  ///< What is left of the retraining window, > 0.
  int devices = 1;
  Quanta quanta_per_device = 10;
  /// At every instant each stream's accuracy is at least this, or the stream's best where it cannot
  /// reach it at all, wherever some allocation makes that feasible.
  double accuracy_floor = 0;
  std::vector<StreamSituation> streams;

  Quanta TotalQuanta() const { return devices * quanta_per_device; }
};

/// Quanta that an inference configuration of `share` needs: the smallest whole number that holds
/// it. A share within 1e-9 above a whole number counts as that number (0.15 of 20 is 3).
Quanta QuantaFor(double share, Quanta quanta_per_device);

/// Reads `ekya-situation/1`. Strict: an unknown key (but `expected`, which test cases carry), a
/// wrong type, a value out of range, a duplicate id, an empty list of streams or of inference
/// configurations, and more than the limits above are errors that name `file`, line, key, what was
/// found and what was expected. Beyond the keys that every stream has it may say
///   "running": {"id", "device", "device_seconds"}  a retraining that has started already,
///   "retrained": true                              its one retraining has ended,
///   "weight": 2.5                                  of its accuracy in the mean, else 1,
///   "throughput": [[share, speed], ...]            see ThroughputPoint,
/// and each retraining configuration may say "spread".
Result<Situation> ReadSituation(std::string_view text, const std::string& file);

/// `situation` as JSON text; ReadSituation gives the same value back.
std::string WriteSituation(const Situation& situation);

}  // namespace ekya
