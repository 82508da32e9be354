#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/frame.h"
#include "core/scorer.h"
#include "run/workers/services.h"
#include "stages/inference/inference_job.h"

namespace ekya::workers {

/// Scores a stream's results against what its frames are known to show, in short intervals: at once
/// where the source knows the truth, when labels come where they come later. What is older than
/// `keep_seconds` is forgotten: a box runs for a year. Any thread.
class StreamJudge {
 public:
  /// Detection counts F1 at the paper's IoU of 0.3 (section 6.1); classification the regions' own.
  StreamJudge(bool detection, std::size_t classes, double keep_seconds)
      : detection_(detection), classes_(classes), keep_seconds_(keep_seconds) {}

  /// A frame has its result, given or carried over. `truth`: null where nobody knows it yet.
  void Add(const inference::FrameResult& result, double run_seconds,
           const std::vector<Detection>* truth);
  /// The results of the frames in `labels` against these. They count in their intervals where
  /// `counts`; what that changed comes back. Labels of frames up to `last` will not come any more.
  JudgedLabels Label(const std::vector<FrameLabel>& labels, std::int64_t last, bool counts);
  /// The results of frame `index`; empty where none is known.
  std::vector<Detection> ResultsOf(std::int64_t index) const;
  /// Some of the results of closed intervals between two run times, evenly chosen.
  std::vector<window::ServedResult> Served(double from, double to) const;

  /// Closes the interval that began at the last call: run times in seconds, measured processor
  /// seconds per second. What it tallied.
  IntervalTally EndInterval(double from, double to, double inference_cores);

 private:
  struct KeptResult {
    std::vector<Detection> detections;
    std::int64_t version = 0;
    bool skipped = false;
    double run_seconds = 0;
  };

  FrameScore Score(const std::vector<Detection>& results,
                   const std::vector<Detection>& objects) const;
  /// Keeps some of the results of an interval for Served. Under mutex_.
  void Sample(double from, double to);
  /// Under mutex_.
  void Count(const FrameScore& score, const std::vector<Detection>& objects,
             IntervalTally& tally) const;

  const bool detection_;
  const std::size_t classes_;
  const double keep_seconds_;
  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  std::map<std::int64_t, KeptResult> kept_;  // by frame index
  std::deque<window::ServedResult> said_;    // some of what was said, by time
  IntervalTally open_;
  std::vector<IntervalTally> closed_;  // the newest
};

}  // namespace ekya::workers
