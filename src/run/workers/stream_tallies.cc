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
  if (tally.from_seconds < as_told_from_) return;
  Interval& interval = intervals_[tally.from_seconds];
  interval.tally = tally;
  if (retraining_cores >= 0) interval.retraining_cores = retraining_cores;
  if (intervals_.size() > kMost) MakeRoom();
}

void StreamTallies::Interval::Join(const Interval& next) {
  const double own = tally.to_seconds - tally.from_seconds;
  const double others = next.tally.to_seconds - next.tally.from_seconds;
  const double part = own + others > 0 ? own / (own + others) : 0.5;
  const auto mean = [part](double a, double b) { return part * a + (1 - part) * b; };
  tally.inference_cores = mean(tally.inference_cores, next.tally.inference_cores);
  retraining_cores = mean(retraining_cores, next.retraining_cores);
  tally.to_seconds = next.tally.to_seconds;
  tally.score += next.tally.score;
  tally.frames += next.tally.frames;
  tally.frames_skipped += next.tally.frames_skipped;
  tally.analyses_due += next.tally.analyses_due;
  tally.class_counts.resize(std::max(tally.class_counts.size(), next.tally.class_counts.size()));
  for (std::size_t i = 0; i < next.tally.class_counts.size(); ++i) {
    tally.class_counts[i] += next.tally.class_counts[i];
  }
}

void StreamTallies::MakeRoom() {
  const auto as_told = std::prev(intervals_.end(), kMostAsTold);
  as_told_from_ = as_told->first;
  // All that is old is of one length: a curve through it is as fine at its beginning as later.
  if (longest_ == 0) {
    longest_ = 2 * (as_told_from_ - intervals_.begin()->first) / static_cast<double>(kMost);
  }
  JoinBefore(as_told);
  while (intervals_.size() > kMost * 3 / 4) {
    longest_ *= 2;
    JoinBefore(as_told);
  }
}

void StreamTallies::JoinBefore(std::map<double, Interval>::iterator end) {
  for (auto joined = intervals_.begin(); joined != end;) {
    const auto next = std::next(joined);
    if (next != end && next->second.tally.to_seconds - joined->first <= longest_) {
      joined->second.Join(next->second);
      intervals_.erase(next);
    } else {
      joined = next;
    }
  }
}

window::StreamRecord StreamTallies::Record(double from) const {
  const std::lock_guard lock(mutex_);
  window::StreamRecord record;
  FrameScore all;
  std::int64_t analyses_due = 0;
  std::vector<FrameScore> stretches;
  for (auto next = intervals_.lower_bound(from); next != intervals_.end(); ++next) {
    const Interval& each = next->second;
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
