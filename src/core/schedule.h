#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/situation.h"

namespace ekya {

/// What one stream has during one segment of a schedule.
struct Allocation {
  std::string stream;
  std::string inference;  ///< Inference configuration; empty: the stream is not served.
  Quanta inference_quanta = 0;
  int inference_device = 0;  ///< Meaningful where `inference_quanta` > 0.
  std::string retraining;    ///< Retraining configuration; empty: none runs.
  Quanta retraining_quanta = 0;
  int retraining_device = 0;  ///< Meaningful where `retraining_quanta` > 0.
};

/// A part of the window in which no share changes. Seconds since the decision.
struct Segment {
  double from_seconds = 0;
  double to_seconds = 0;
  std::vector<Allocation> jobs;  ///< One per stream, in the situation's order.
};

/// Why a stream got what it got.
struct Explanation {
  std::string stream;
  std::string text;
};

/// What a stream's served model is expected to be worth when the window ends.
struct EndAccuracy {
  std::string stream;
  double accuracy = 0;
};

/// The output of one scheduling decision: `ekya-schedule/1`. The timeline is the expected course of
/// the window if the estimates hold; what the live system applies is its first segment, until the
/// next event.
struct Schedule {
  std::string scheduler;
  double mean_accuracy = 0;           ///< Over streams and the window, by the timeline.
  std::optional<double> upper_bound;  ///< On any schedule of the situation, time-varying ones too.
  std::optional<double> static_optimum;  ///< Best of one decision, placement left out (`exact`).
  bool floor_feasible = true;            ///< Whether the floor holds at every instant.
  double solve_microseconds = 0;
  std::vector<Segment> timeline;  ///< Covers 0 .. window_seconds without a hole.
  std::vector<Explanation> explanations;
  /// Of each served model when the window ends, every frame analysed: where the next one starts.
  std::vector<EndAccuracy> outcome = {};
};

/// Reads `ekya-schedule/1`, as strictly as ReadSituation. The timeline must have no hole, and no
/// segment may name a stream twice; whether it fits a situation is not looked at.
Result<Schedule> ReadSchedule(std::string_view text, const std::string& file);

/// `schedule` as JSON text, with the gap between bound and value. ReadSchedule gives the same value
/// back, but for devices of jobs without quanta, which are not written.
std::string WriteSchedule(const Schedule& schedule);

/// Makes `next`, a situation of the following window, start where `earlier` ends: each stream's
/// model has the accuracy of the outcome. kInvalid where a stream is not in it.
Status StartFrom(const Schedule& earlier, Situation* next);

}  // namespace ekya
