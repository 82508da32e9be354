#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "core/situation.h"
#include "decide/profile/trial.h"

namespace ekya::profile {

struct MicroProfilerSettings {
  double sample_fraction = 0.1;  ///< Part of the window's samples a trial trains on.
  int epochs = 5;                ///< Most epochs of a trial.
  int prune_every = 2;           ///< Windows between prunings; 0: never prune.
  double prune_fraction = 0.2;   ///< Part of the candidates dropped at a pruning.
  int keep_at_least = 3;         ///< Candidates that pruning leaves.
};

/// Decides which trials to run and turns what they measured into profiles (paper, section 4.3).
/// Keeps, per stream, the candidates that pruning has left. One thread.
class MicroProfiler {
 public:
  MicroProfiler(MicroProfilerSettings settings, std::vector<RetrainingConfiguration> candidates);

  /// The trials to run for `stream` now: all candidates at first, fewer after prunings.
  std::vector<Trial> Trials(const std::string& stream) const;

  /// The profile that `result` promises for the whole configuration: accuracy from the fitted
  /// learning curve at the full samples and epochs, device seconds scaled linearly in both.
  /// kInvalid where the result holds no finite accuracy.
  Result<RetrainingProfile> Estimate(const Trial& trial, const TrialResult& result) const;

  /// Ends a window for `stream`: every `prune_every` windows drops the fixed fraction of candidates
  /// that is farthest from the Pareto front of accuracy against device seconds.
  void EndWindow(const std::string& stream, const std::vector<RetrainingProfile>& profiles);

 private:
  struct StreamHistory {
    std::vector<RetrainingConfiguration> candidates;
    int windows = 0;
  };
  const MicroProfilerSettings settings_;
  const std::vector<RetrainingConfiguration> candidates_;
  std::map<std::string, StreamHistory> streams_;
};

}  // namespace ekya::profile
