#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "core/scorer.h"
#include "decide/window/record.h"
#include "run/workers/services.h"

namespace ekya::workers {

/// All that was tallied of a stream in a run, whichever worker did. Any thread.
class StreamTallies {
 public:
  explicit StreamTallies(bool detection) : detection_(detection) {}

  /// A closed interval; again, where labels have come since. `retraining_cores`: negative where it
  /// is known already.
  void Merge(const IntervalTally& tally, double retraining_cores);

  /// Intervals, accuracy and its confidence, frames: all but who the stream is.
  window::StreamRecord Record() const;
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
  };

  const bool detection_;
  mutable std::mutex mutex_;
  std::map<double, Interval> intervals_;  // by where they begin; guarded by mutex_
};

}  // namespace ekya::workers
