#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/situation.h"
#include "decide/profile/belief.h"
#include "decide/profile/correction.h"
#include "decide/profile/halving.h"
#include "decide/profile/micro_profiler.h"

namespace ekya::profile {

struct SharedProfilerSettings {
  /// Size of a trial's sample, pruning. Trials are shared, estimates corrected.
  MicroProfilerSettings trials{.sample_fraction = 0.1, .epochs = 3};
  BeliefSettings belief;
  /// No further trial begins that is expected to bring a window's trials of a stream above this
  /// part of what training every configuration would take.
  double most_of_exhaustive = 0.005;
};

/// Micro-profiling that shares what it learns: between configurations that differ in how long they
/// train, between the windows of a stream, and between streams. A few trials by successive halving
/// (each rung an epoch, going on where the trial stopped) tell about the present window; a Belief
/// puts them together with what models were right on once their windows' labels came. One thread.
class SharedProfiler {
 public:
  SharedProfiler(SharedProfilerSettings settings, std::vector<RetrainingConfiguration> grid);

  /// Labels of `window` have come: the model that `configuration` (an id) made in it, or the one
  /// that served at its start (empty), was right on `accuracy` of `samples` of them.
  /// `device_seconds`: what the retraining took; 0: not known.
  void Achieved(const std::string& stream, int window, const std::string& configuration,
                double accuracy, int samples, double device_seconds);

  /// `window` of `stream` begins; the served model is right on `accuracy` of `held_out` samples
  /// that were held out of what the window trains on.
  void Begin(const std::string& stream, int window, double accuracy, int held_out);
  /// The trials to train for one more epoch, each from where it stopped; none: enough is known.
  /// The places are those of Tried.
  std::vector<std::pair<std::size_t, Trial>> NextTrials();
  /// What all epochs of trial `place` so far came to; one result or error for each of NextTrials
  /// before it is asked again.
  void Tried(std::size_t place, const Result<TrialResult>& result);
  /// What every configuration, pruned or not, is expected to give and take in the present window.
  /// Device seconds are 0 where no trial and no retraining of any stream tells.
  std::vector<RetrainingProfile> Estimates();
  /// Ends the stream's window, whose Estimates were asked for: every second one drops candidates
  /// (MicroProfiler::EndWindow).
  void EndWindow();

 private:
  /// How one kind of training takes its time, per sample.
  struct Pace {
    double once = 0;
    double epoch = 0;
  };

  const RetrainingConfiguration* Find(const std::string& id) const;
  double ExpectedSeconds(const RetrainingConfiguration& configuration) const;
  double ExpectedSeconds(const Trial& trial) const;

  const SharedProfilerSettings settings_;
  const std::vector<RetrainingConfiguration> grid_;
  MicroProfiler profiler_;
  Belief belief_;
  Correction log_seconds_;
  std::map<std::string, std::map<std::string, double>> promised_;  // seconds, by stream and id
  std::map<int, Pace> paces_;                                      // by trained stages

  // Of the present window.
  std::string stream_;
  int window_ = 0;
  int full_samples_ = 0;  // of the last trial: per epoch of all samples
  std::vector<Trial> trials_;
  std::vector<double> values_;  // of the rung, by place; NaN: failed
  double spent_ = 0;
  std::vector<RetrainingProfile> estimates_;
  std::vector<double> trial_seconds_;  // by place, of all epochs
  SuccessiveHalving halving_{0, 0};
  bool rung_open_ = false;
};

}  // namespace ekya::profile
