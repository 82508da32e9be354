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
  double most_of_exhaustive = 0.002;
};

/// Micro-profiling that shares what it learns: between configurations that differ in how long they
/// train, between the windows of a stream, and between streams. A few trials by successive halving
/// (each rung an epoch, going on where the trial stopped) tell about the present window; a Belief
/// puts them together with what served models were right on once their windows' labels came, and
/// with how sure they were of everything else. One thread.
class SharedProfiler {
 public:
  SharedProfiler(SharedProfilerSettings settings, std::vector<RetrainingConfiguration> grid);

  /// Labels of the window before the one that begins have come: what the model that served at its
  /// start (`before`) and the one that `configuration` (an id) made in it (`after`) showed in it,
  /// the samples that are held out now left out. Empty `configuration`: the same model went on to
  /// serve, and `after` is its. `device_seconds`: what the retraining took; 0: not known.
  void Achieved(const std::string& stream, int window, const std::string& configuration,
                const std::vector<Sight>& before, const std::vector<Sight>& after,
                double device_seconds);

  /// `window` of `stream` begins; `held_out` is what the served model shows in the last part of the
  /// window before it, whose labelled samples are held out of what the window trains on.
  void Begin(const std::string& stream, int window, const Sight& held_out);
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

  /// What was estimated of a configuration.
  struct Promise {
    double device_seconds = 0;  ///< 0: nothing was.
    double accuracy = 0;
    double spread = 0;  ///< As the belief has it.
  };
  /// How much wider or narrower than the belief's the spreads are that came true: a mean square in
  /// the belief's spreads, with a prior.
  struct SpreadScale {
    double squares;
    double weight;
    /// `promise` was made, and `sights` are what came of it.
    void Learn(const Promise& promise, const std::vector<Sight>& sights, double alike);
    double Value() const;
  };

  const RetrainingConfiguration* Find(const std::string& id) const;
  double ExpectedSeconds(const RetrainingConfiguration& configuration) const;
  double ExpectedSeconds(const Trial& trial) const;
  /// The served model of `stream` until it is first retrained: made of window 0.
  BelievedModel& Served(const std::string& stream);
  /// What the served model would become under a training to `state` in the present window.
  BelievedModel Retrained(TrainingState state);
  std::vector<Belief::Accuracy> Believed(const std::vector<TrainingState>& states);

  const SharedProfilerSettings settings_;
  const std::vector<RetrainingConfiguration> grid_;
  MicroProfiler profiler_;
  Belief belief_;
  Correction log_seconds_;
  SpreadScale spread_scale_;
  std::map<std::string, std::map<std::string, Promise>> promised_;  // by stream and id
  std::map<int, Pace> paces_;                                       // by trained stages
  std::map<std::string, BelievedModel> served_;                     // by stream
  int models_ = 0;                                                  // numbers given to models

  // Of the present window.
  std::string stream_;
  int window_ = 0;
  Sight held_out_;
  int group_ = 0;         // of what is measured on the held-out samples
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
