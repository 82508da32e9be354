#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/configuration.h"
#include "decide/profile/micro_profiler.h"
#include "decide/schedule/policy.h"
#include "decide/window/ports.h"
#include "decide/window/record.h"

namespace ekya::window {

/// How profiles are made.
enum class ProfilerUse {
  kTrials,  ///< By a trial of each kind of configuration (profile::MicroProfiler).
  /// By a belief about all accuracies that a few trials, each going on where it stopped, and what
  /// served models achieved feed (profile::SharedProfiler). `profiling` says how large trials are.
  kShared,
};
/// By its word in `site.yaml`: "trials" or "shared"; other words are a bug.
ProfilerUse ProfilerUseOf(const std::string& word);

/// What is done about drift.
enum class DriftUse {
  kOff,    ///< Nobody looks.
  kWatch,  ///< It is looked for and recorded.
  /// A stream that was looked after and has not drifted since is not retrained; one that drifts
  /// while nothing retrains ends the window early.
  kAct,
};

/// By its word in `site.yaml`: "off", "watch" or "act"; other words are a bug.
DriftUse DriftUseOf(const std::string& word);

/// What stays the same from window to window.
struct ConductorSettings {
  double window_seconds = 200;
  int devices = 1;
  Quanta quanta_per_device = 20;
  double accuracy_floor = 0;
  /// Part of all quanta that serving leaves to labelling and trials while these run, where the
  /// streams can be served with the rest above the floor.
  double preparation_share = 0.25;
  std::vector<RetrainingConfiguration> retraining;
  profile::MicroProfilerSettings profiling;
  /// The swapper keeps a served model that is better than its successor: a retraining can cost
  /// compute, but not accuracy.
  bool gated = false;
  /// Runs only the trials that are expected to be worth more than what they keep from serving and
  /// retraining; other profiles are what earlier windows lead to expect. Without it every candidate
  /// has its trial in every window.
  bool weigh_trials = false;
  ProfilerUse profiler = ProfilerUse::kTrials;
  /// Part of the window that weighed or shared trials take at most.
  double most_profiling = 0.2;
  DriftUse drift = DriftUse::kOff;  ///< Where the ports have somebody to ask.
};

struct Memory;

/// The method's loop: labels, profiles, decides, retrains, swaps, and decides again at every event
/// (paper, figure 6 and section 4.1). A prediction that turns out
/// to be off by more than its spread (a retraining that takes longer, or that will not get there)
/// is such an event: it is corrected, and the policy asked again. The same code runs live and in
/// the simulator.
class Conductor {
 public:
  /// `policy` and `ports` outlive the conductor.
  Conductor(ConductorSettings settings, schedule::Policy& policy, Ports ports);
  ~Conductor();
  Conductor(const Conductor&) = delete;
  Conductor& operator=(const Conductor&) = delete;

  /// Conducts window `window`, from now until `window_seconds` later, or until `end` on the run's
  /// clock where that is said: a window that was begun by a run that was killed. A stream's trouble
  /// is recorded in `warnings` and costs that stream its retraining; only a policy that cannot
  /// decide is an error.
  Result<WindowRecord> Run(int window, std::optional<double> end = std::nullopt);

 private:
  const ConductorSettings settings_;
  schedule::Policy& policy_;
  const Ports ports_;
  const std::unique_ptr<Memory> memory_;
};

}  // namespace ekya::window
