#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/situation.h"
#include "decide/profile/correction.h"
#include "decide/profile/trial.h"

namespace ekya::profile {

struct MicroProfilerSettings {
  double sample_fraction = 0.1;  ///< Part of the window's samples a trial trains on.
  int epochs = 5;                ///< Most epochs of a trial.
  int prune_every = 2;           ///< Windows between prunings; 0: never prune.
  double prune_fraction = 0.2;   ///< Part of the candidates dropped at a pruning.
  int keep_at_least = 3;         ///< Candidates that pruning leaves.
  /// Configurations that differ in nothing but epochs and sample fraction share one trial, whose
  /// curve is read at each one's own amount of training.
  bool share_trials = true;
  /// Correct estimates by how far earlier ones were off from what retraining then gave and took.
  bool correct = true;
};

/// How many epochs over new samples `epochs` passes over the same samples are worth: the first
/// counts in full, the following less and less, never more than 15 in all (Muennighoff et al.,
/// Scaling data-constrained language models, NeurIPS 2023, equation 5, with its fitted constant).
double EffectiveEpochs(double epochs);

/// Decides which trials to run and turns what they measured into profiles (paper, section 4.3).
/// Keeps, per stream, the candidates that pruning has left and what retraining really took. One
/// thread.
class MicroProfiler {
 public:
  MicroProfiler(MicroProfilerSettings settings, std::vector<RetrainingConfiguration> candidates);

  /// The configurations still considered for `stream`: all at first, fewer after prunings.
  const std::vector<RetrainingConfiguration>& Candidates(const std::string& stream) const;

  /// The trials to run for `stream` now, so that each of its candidates is spoken for. With
  /// `wanted` (ids), only those of these configurations, pruned or not.
  std::vector<Trial> Trials(const std::string& stream) const;
  std::vector<Trial> Trials(const std::string& stream,
                            const std::vector<std::string>& wanted) const;

  /// Whether `trial` tells about `configuration`.
  bool SpeaksFor(const Trial& trial, const RetrainingConfiguration& configuration) const;

  /// The profile that `result` promises for the whole of the trial's configuration, or of another
  /// that it speaks for. Accuracy: the fitted learning curve, read at the full samples and epochs;
  /// the trial's own last accuracy where the trial was the whole training. Device seconds: the
  /// trial's, scaled linearly in samples and epochs. Spread: of the held-out sample (binomial) and
  /// of the curves that fit. kInvalid where the result holds no finite accuracy or no sample.
  Result<RetrainingProfile> Estimate(const Trial& trial, const TrialResult& result) const;
  Result<RetrainingProfile> Estimate(const RetrainingConfiguration& configuration,
                                     const Trial& trial, const TrialResult& result) const;

  /// Remembers what a whole retraining of `stream` gave and took. With the last estimate of the
  /// same configuration (Corrected) it teaches how far estimates are off.
  void Measured(const std::string& stream, const RetrainingProfile& measured);
  /// What is known of `configuration` (an id) for `stream` without a trial: what its last whole
  /// retraining gave and took, else what EndWindow was last told of it.
  std::optional<RetrainingProfile> LastKnown(const std::string& stream,
                                             const std::string& configuration) const;
  /// `estimate` of `stream`, corrected in accuracy and device seconds by how far the estimates
  /// before it were off, of this and of other streams.
  RetrainingProfile Corrected(const std::string& stream, RetrainingProfile estimate);
  /// Standard deviations of what corrected estimates were off by: of accuracies, and of the
  /// logarithm of device seconds.
  double AccuracyDeviation() const { return accuracy_.Deviation(); }
  double LogSecondsDeviation() const { return log_seconds_.Deviation(); }

  /// Ends a window for `stream`: every `prune_every` windows drops the fixed fraction of candidates
  /// that is farthest from the Pareto front of accuracy against device seconds. Candidates without
  /// a profile in `profiles` stay.
  void EndWindow(const std::string& stream, const std::vector<RetrainingProfile>& profiles);

 private:
  struct StreamHistory {
    std::vector<RetrainingConfiguration> candidates;
    int windows = 0;
    // By configuration. An estimate is as it was before its correction.
    std::map<std::string, RetrainingProfile> uncorrected;
    std::map<std::string, RetrainingProfile> last_measured;
    std::map<std::string, RetrainingProfile> last_estimated;
  };

  StreamHistory& History(const std::string& stream);
  std::vector<Trial> TrialsFor(const std::vector<RetrainingConfiguration>& configurations) const;

  const MicroProfilerSettings settings_;
  const std::vector<RetrainingConfiguration> candidates_;
  std::map<std::string, StreamHistory> streams_;
  Correction accuracy_{0.05};
  Correction log_seconds_{0.2};  // Of the logarithm of device seconds: they are off by a factor.
};

/// How far `profiles[index]` lies behind the Pareto front of all `profiles`: the smallest distance
/// that it must move in accuracy and in cost (both as fractions of their ranges) so that none
/// dominates it. 0 on the front.
double DistanceFromFront(const std::vector<RetrainingProfile>& profiles, std::size_t index);

}  // namespace ekya::profile
