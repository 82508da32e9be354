#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/schedule.h"
#include "core/situation.h"
#include "decide/schedule/estimate.h"
#include "decide/schedule/placement.h"

namespace ekya::schedule {

/// The expected course of a window: plays placed decisions forward, one stretch between two events
/// at a time, and keeps the segments.
class Course {
 public:
  /// `problem` outlives the course.
  explicit Course(const Problem& problem);

  double now() const { return now_; }
  double left() const { return problem_->window - now_; }
  bool over() const { return now_ >= problem_->window; }
  const std::vector<StreamState>& states() const { return states_; }
  /// Sum over streams of what was gained so far: accuracy, less the penalties, times seconds.
  double worth() const { return worth_; }

  /// Goes on with these shares, one per stream of the problem, until the first retraining ends
  /// (which may be at once), until `until`, or until the window's end. Retrainings that end within
  /// microseconds of each other end together. Returns the streams whose retraining has ended.
  std::vector<int> Run(const std::vector<Share>& shares,
                       double until = std::numeric_limits<double>::infinity());

  /// From now on the course is one of `problem`: the same streams on more devices.
  void Adopt(const Problem& problem) { problem_ = &problem; }

  /// The segments so far with the names of `situation`, from which the problem was prepared.
  std::vector<Segment> Segments(const Situation& situation) const;

 private:
  struct Stretch {
    double from;
    double to;
    std::vector<Share> shares;
    std::vector<int> levels;  ///< Index in StreamSituation::inference per stream, -1: not served.
  };

  const Problem* problem_;
  double now_ = 0;
  double worth_ = 0;
  std::vector<StreamState> states_;
  std::vector<Stretch> stretches_;
};

/// What a timeline gives, replayed against its situation as any judge would: capacity and placement
/// are not checked here.
struct Measurement {
  double mean_accuracy = 0;
  bool floor_kept = true;
  std::vector<double> end_accuracy;  ///< By stream, of the model that it then has.
};
Measurement Measure(const Situation& situation, const std::vector<Segment>& timeline);

/// The schedule of a course that is over. `floor_feasible` says whether its timeline keeps the
/// floor.
Schedule MakeSchedule(const Situation& situation, const Course& course, std::string scheduler);

}  // namespace ekya::schedule
