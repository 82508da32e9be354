#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/frame.h"
#include "core/scorer.h"
#include "decide/window/record.h"

namespace ekya::workers {

/// Scores a stream's results against what its frames are known to show, in short intervals: at once
/// where the source knows the truth, when labels come where they come later. Any thread.
class StreamJudge {
 public:
  /// Detection counts F1 at the paper's IoU of 0.3 (section 6.1); classification the regions' own.
  StreamJudge(bool detection, std::size_t classes) : detection_(detection), classes_(classes) {}

  /// A frame has its result, given (`cpu_seconds` may be anything) or carried over. `truth`: null
  /// where nobody knows it yet.
  void Add(const Frame& frame, const std::vector<Detection>& results, bool skipped,
           double run_seconds, const std::vector<Detection>* truth);
  /// What frame `index` shows, whose result Add was given: its score. It counts in its interval
  /// where `counts`. Nothing where no result is known.
  std::optional<FrameScore> Label(std::int64_t index, const std::vector<Detection>& objects,
                                  bool counts);
  /// The results of frame `index`; empty where none is known.
  std::vector<Detection> ResultsOf(std::int64_t index) const;
  /// Labels of frames up to `index` will not come any more.
  void Forget(std::int64_t index);

  /// Closes the interval that began at the last call: run times in seconds, measured processor
  /// seconds per second.
  void EndInterval(double from, double to, double inference_cores, double retraining_cores);

  /// Intervals, accuracy and its confidence, frames: all but who the stream is.
  window::StreamRecord Record() const;
  /// Over the last `intervals` closed intervals; negative where none was judged.
  double RecentAccuracy(int intervals) const;
  /// Over the closed intervals that began at run time `from` or later; negative as above.
  double AccuracySince(double from) const;
  /// As one number; negative where nothing was judged.
  double Accuracy(const FrameScore& score) const;

 private:
  struct KeptResult {
    std::vector<Detection> detections;
    double run_seconds = 0;
  };
  /// One interval's counts; becomes a window::StreamInterval when it is asked for.
  struct Tally {
    double from = 0;
    double to = 0;
    FrameScore score;
    int frames = 0;
    int frames_skipped = 0;
    std::vector<int> class_counts;
    double inference_cores = 0;
    double retraining_cores = 0;
  };

  FrameScore Score(const std::vector<Detection>& results,
                   const std::vector<Detection>& objects) const;
  /// Under mutex_.
  void Count(const FrameScore& score, const std::vector<Detection>& objects, Tally& tally) const;

  const bool detection_;
  const std::size_t classes_;
  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  std::map<std::int64_t, KeptResult> kept_;  // by frame index
  Tally open_;
  std::vector<Tally> intervals_;
  std::int64_t frames_ = 0;
  std::int64_t frames_skipped_ = 0;
};

}  // namespace ekya::workers
