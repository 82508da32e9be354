#include "run/workers/stream_judge.h"

#include <algorithm>
#include <utility>

namespace ekya::workers {
namespace {

// A classifier's result is at its place when the boxes overlap by half.
constexpr double kClassificationIou = 0.5;
constexpr double kDetectionIou = 0.3;
// Enough of a window's thirty to compare distributions by.
constexpr std::size_t kSampledPerInterval = 40;

}  // namespace

FrameScore StreamJudge::Score(const std::vector<Detection>& results,
                              const std::vector<Detection>& objects) const {
  return ScoreFrame(results, objects, detection_ ? kDetectionIou : kClassificationIou);
}

void StreamJudge::Count(const FrameScore& score, const std::vector<Detection>& objects,
                        IntervalTally& tally) const {
  tally.score += score;
  tally.class_counts.resize(classes_);
  for (const Detection& object : objects) {
    const auto index = static_cast<std::size_t>(object.class_index);
    if (index < tally.class_counts.size()) ++tally.class_counts[index];
  }
}

void StreamJudge::Add(const inference::FrameResult& result, double run_seconds,
                      const std::vector<Detection>* truth) {
  const std::lock_guard lock(mutex_);
  ++open_.frames;
  if (result.skipped) ++open_.frames_skipped;
  if (result.due) ++open_.analyses_due;
  if (truth != nullptr) Count(Score(result.detections, *truth), *truth, open_);
  kept_[result.frame->index] = {result.detections, result.model_version, result.skipped,
                                run_seconds};
  // Labels of one that is so old do not come any more.
  while (kept_.begin()->second.run_seconds < run_seconds - keep_seconds_) {
    kept_.erase(kept_.begin());
  }
}

JudgedLabels StreamJudge::Label(const std::vector<FrameLabel>& labels, std::int64_t last,
                                bool counts) {
  const std::lock_guard lock(mutex_);
  JudgedLabels judged;
  std::vector<bool> changed(closed_.size());
  for (const FrameLabel& label : labels) {
    // What was sought out for what it shows says nothing of the other frames.
    const auto kept = kept_.find(label.index);
    if (!label.uniform || kept == kept_.end()) continue;
    const FrameScore score = Score(kept->second.detections, label.objects);
    judged.score += score;
    if (!counts) continue;
    const double when = kept->second.run_seconds;
    const auto interval =
        std::find_if(closed_.begin(), closed_.end(), [&](const IntervalTally& tally) {
          return when >= tally.from_seconds && when < tally.to_seconds;
        });
    const bool open = interval == closed_.end();
    Count(score, label.objects, open ? open_ : *interval);
    if (!open) changed[static_cast<std::size_t>(interval - closed_.begin())] = true;
  }
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    if (changed[i]) judged.changed.push_back(closed_[i]);
  }
  kept_.erase(kept_.begin(), kept_.upper_bound(last));
  return judged;
}

std::vector<Detection> StreamJudge::ResultsOf(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  const auto kept = kept_.find(index);
  return kept == kept_.end() ? std::vector<Detection>() : kept->second.detections;
}

std::vector<window::ServedResult> StreamJudge::Served(double from, double to) const {
  const std::lock_guard lock(mutex_);
  std::vector<window::ServedResult> said;
  for (const window::ServedResult& each : said_) {
    if (each.time_seconds >= from && each.time_seconds < to) said.push_back(each);
  }
  return said;
}

void StreamJudge::Sample(double from, double to) {
  std::vector<window::ServedResult> all;
  for (const auto& [index, kept] : kept_) {
    if (kept.skipped || kept.run_seconds < from || kept.run_seconds >= to) continue;
    for (const Detection& result : kept.detections) {
      all.push_back({kept.run_seconds, kept.version, result.class_index, result.score});
    }
  }
  const std::size_t some = std::min(all.size(), kSampledPerInterval);
  for (std::size_t i = 0; i < some; ++i) said_.push_back(all[i * all.size() / some]);
  while (!said_.empty() && said_.front().time_seconds < to - keep_seconds_) said_.pop_front();
}

IntervalTally StreamJudge::EndInterval(double from, double to, double inference_cores) {
  const std::lock_guard lock(mutex_);
  open_.from_seconds = from;
  open_.to_seconds = to;
  open_.inference_cores = inference_cores;
  open_.class_counts.resize(classes_);
  closed_.push_back(std::exchange(open_, {}));
  Sample(from, to);
  const auto kept = std::find_if(closed_.begin(), closed_.end(), [&](const IntervalTally& tally) {
    return tally.to_seconds > to - keep_seconds_;
  });
  closed_.erase(closed_.begin(), kept);
  return closed_.back();
}

}  // namespace ekya::workers
