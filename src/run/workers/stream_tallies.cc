#include "run/workers/stream_tallies.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "core/interval.h"

namespace ekya::workers {

double StreamTallies::Accuracy(const FrameScore& score) const {
  return detection_ ? score.F1() : score.Accuracy();
}

void StreamTallies::Merge(const IntervalTally& tally, double retraining_cores) {
  const std::lock_guard lock(mutex_);
  Interval& interval = intervals_[tally.from_seconds];
  interval.tally = tally;
  if (retraining_cores >= 0) interval.retraining_cores = retraining_cores;
}

window::StreamRecord StreamTallies::Record() const {
  const std::lock_guard lock(mutex_);
  window::StreamRecord record;
  FrameScore all;
  std::int64_t analyses_due = 0;
  std::vector<FrameScore> stretches;
  for (const auto& [from, each] : intervals_) {
    const IntervalTally& tally = each.tally;
    window::StreamInterval interval;
    interval.from_seconds = tally.from_seconds;
    interval.to_seconds = tally.to_seconds;
    interval.frames = tally.frames;
    interval.frames_skipped = tally.frames_skipped;
    interval.accuracy = Accuracy(tally.score);
    interval.class_counts = tally.class_counts;
    interval.inference_cores = tally.inference_cores;
    interval.retraining_cores = each.retraining_cores;
    record.intervals.push_back(std::move(interval));
    record.frames += tally.frames;
    record.frames_skipped += tally.frames_skipped;
    analyses_due += tally.analyses_due;
    all += tally.score;
    stretches.push_back(tally.score);
  }
  record.analyses_missed =
      std::max<std::int64_t>(0, analyses_due - (record.frames - record.frames_skipped));
  record.mean_accuracy = Accuracy(all);
  const AccuracyInterval confidence = IntervalOf(stretches, detection_);
  record.accuracy_low = confidence.low;
  record.accuracy_high = confidence.high;
  return record;
}

double StreamTallies::RecentAccuracy(int intervals) const {
  const std::lock_guard lock(mutex_);
  FrameScore score;
  auto interval = intervals_.rbegin();
  for (int i = 0; i < intervals && interval != intervals_.rend(); ++i, ++interval) {
    score += interval->second.tally.score;
  }
  return Accuracy(score);
}

double StreamTallies::AccuracySince(double from) const {
  const std::lock_guard lock(mutex_);
  FrameScore score;
  for (auto interval = intervals_.lower_bound(from); interval != intervals_.end(); ++interval) {
    score += interval->second.tally.score;
  }
  return Accuracy(score);
}

}  // namespace ekya::workers
