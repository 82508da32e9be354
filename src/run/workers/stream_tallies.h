#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "core/scorer.h"
#include "decide/window/record.h"
#include "run/workers/services.h"

namespace ekya::workers {

/// All that was tallied of a stream in a run, whichever worker did. A box runs for a year: of
/// intervals that are long past, neighbours are joined, so that there are never many and what was
/// counted stays whole. Any thread.
class StreamTallies {
 public:
  /// Intervals that are ever held; so many of the newest are as they were told.
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostAsTold = 2'000;

  explicit StreamTallies(bool detection) : detection_(detection) {}

  /// A closed interval; again, where labels have come since, unless it was joined to others by
  /// then. `retraining_cores`: negative where it is known already.
  void Merge(const IntervalTally& tally, double retraining_cores);

  /// Intervals that began at run time `from` or later, their accuracy and its confidence, frames:
  /// all but who the stream is.
  window::StreamRecord Record(double from = 0) const;
  /// Over the last `intervals` ones; negative where none was judged.
  double RecentAccuracy(int intervals) const;
  /// Over the intervals that began at run time `from` or later; negative as above.
  double AccuracySince(double from) const;
  /// As one number; negative where nothing was judged.
  double Accuracy(const FrameScore& score) const;

 private:
  struct Interval {
    IntervalTally tally;
    double retraining_cores = 0;

    /// The one after it becomes part of it.
    void Join(const Interval& next);
  };

  /// Joins old intervals until there is room for more. Under mutex_.
  void MakeRoom();
  /// Joins neighbours before `end` where they last `longest_` together at most. Under mutex_.
  void JoinBefore(std::map<double, Interval>::iterator end);

  const bool detection_;
  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  std::map<double, Interval> intervals_;  // by where they begin
  double longest_ = 0;                    // seconds of what was joined
  double as_told_from_ = 0;               // what began before may be part of another
};

}  // namespace ekya::workers
