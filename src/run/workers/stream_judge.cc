#include "run/workers/stream_judge.h"

#include <algorithm>
#include <utility>

#include "core/interval.h"

namespace ekya::workers {
namespace {

// A classifier's result is at its place when the boxes overlap by half.
constexpr double kClassificationIou = 0.5;
constexpr double kDetectionIou = 0.3;

}  // namespace

double StreamJudge::Accuracy(const FrameScore& score) const {
  return detection_ ? score.F1() : score.Accuracy();
}

FrameScore StreamJudge::Score(const std::vector<Detection>& results,
                              const std::vector<Detection>& objects) const {
  return ScoreFrame(results, objects, detection_ ? kDetectionIou : kClassificationIou);
}

void StreamJudge::Count(const FrameScore& score, const std::vector<Detection>& objects,
                        Tally& tally) const {
  tally.score += score;
  tally.class_counts.resize(classes_);
  for (const Detection& object : objects) {
    const auto index = static_cast<std::size_t>(object.class_index);
    if (index < tally.class_counts.size()) ++tally.class_counts[index];
  }
}

void StreamJudge::Add(const Frame& frame, const std::vector<Detection>& results, bool skipped,
                      double run_seconds, const std::vector<Detection>* truth) {
  const std::lock_guard lock(mutex_);
  ++frames_;
  ++open_.frames;
  if (skipped) {
    ++frames_skipped_;
    ++open_.frames_skipped;
  }
  if (truth != nullptr) Count(Score(results, *truth), *truth, open_);
  kept_[frame.index] = {results, run_seconds};
}

std::optional<FrameScore> StreamJudge::Label(std::int64_t index,
                                             const std::vector<Detection>& objects, bool counts) {
  const std::lock_guard lock(mutex_);
  const auto kept = kept_.find(index);
  if (kept == kept_.end()) return std::nullopt;
  const FrameScore score = Score(kept->second.detections, objects);
  if (counts) {
    const double when = kept->second.run_seconds;
    const auto interval =
        std::find_if(intervals_.begin(), intervals_.end(),
                     [&](const Tally& tally) { return when >= tally.from && when < tally.to; });
    Count(score, objects, interval == intervals_.end() ? open_ : *interval);
  }
  return score;
}

std::vector<Detection> StreamJudge::ResultsOf(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  const auto kept = kept_.find(index);
  return kept == kept_.end() ? std::vector<Detection>() : kept->second.detections;
}

void StreamJudge::Forget(std::int64_t index) {
  const std::lock_guard lock(mutex_);
  kept_.erase(kept_.begin(), kept_.upper_bound(index));
}

void StreamJudge::EndInterval(double from, double to, double inference_cores,
                              double retraining_cores) {
  const std::lock_guard lock(mutex_);
  open_.from = from;
  open_.to = to;
  open_.inference_cores = inference_cores;
  open_.retraining_cores = retraining_cores;
  intervals_.push_back(std::move(open_));
  open_ = {};
}

window::StreamRecord StreamJudge::Record() const {
  const std::lock_guard lock(mutex_);
  window::StreamRecord record;
  FrameScore all = open_.score;
  std::vector<FrameScore> stretches = {open_.score};
  for (const Tally& tally : intervals_) {
    window::StreamInterval interval;
    interval.from_seconds = tally.from;
    interval.to_seconds = tally.to;
    interval.frames = tally.frames;
    interval.frames_skipped = tally.frames_skipped;
    interval.accuracy = Accuracy(tally.score);
    interval.class_counts = tally.class_counts;
    interval.class_counts.resize(classes_);
    interval.inference_cores = tally.inference_cores;
    interval.retraining_cores = tally.retraining_cores;
    record.intervals.push_back(std::move(interval));
    all += tally.score;
    stretches.push_back(tally.score);
  }
  record.mean_accuracy = Accuracy(all);
  const AccuracyInterval confidence = IntervalOf(stretches, detection_);
  record.accuracy_low = confidence.low;
  record.accuracy_high = confidence.high;
  record.frames = frames_;
  record.frames_skipped = frames_skipped_;
  return record;
}

double StreamJudge::RecentAccuracy(int intervals) const {
  const std::lock_guard lock(mutex_);
  FrameScore score;
  const auto first =
      intervals_.size() - std::min(intervals_.size(), static_cast<std::size_t>(intervals));
  for (std::size_t i = first; i < intervals_.size(); ++i) score += intervals_[i].score;
  return Accuracy(score);
}

double StreamJudge::AccuracySince(double from) const {
  const std::lock_guard lock(mutex_);
  FrameScore score;
  for (const Tally& tally : intervals_) {
    if (tally.from >= from) score += tally.score;
  }
  return Accuracy(score);
}

}  // namespace ekya::workers
