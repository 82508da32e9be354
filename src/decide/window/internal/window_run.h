#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "decide/schedule/policy.h"
#include "decide/window/conductor.h"
#include "decide/window/internal/memory.h"
#include "decide/window/serving.h"

namespace ekya::window {

/// One window, from its start to its end. Its members stand in six files: what happens in it
/// (window_run.cc), labels and trials (preparation.cc, sharing.cc), starting and ending retrainings
/// (retraining.cc), predictions that turn out wrong (correcting.cc), drift (drifting.cc).
class WindowRun {
 public:
  /// All outlive it.
  WindowRun(const ConductorSettings& settings, schedule::Policy& policy, const Ports& ports,
            Memory& memory, int window, std::optional<double> end);

  Result<WindowRecord> Run();

 private:
  /// A retraining that runs.
  struct Running {
    std::size_t record = 0;           // Index into WindowRecord::retrainings.
    RetrainingProfile expected;       // Of what was left when it started, as corrected since.
    double done = 0;                  // The part that a trial had done.
    double whole_device_seconds = 0;  // Expected of it without that trial.
    int device = 0;
    RetrainingProgress last;  // As of its last ended epoch.
    // (Part of the whole training, accuracy) after each ended epoch.
    std::vector<std::pair<double, double>> course;
  };

  struct StreamWindow {
    std::string id;
    StreamState state;
    bool may_retrain = false;  // It has labels and nothing went wrong.
    bool retrained = false;    // Its one retraining of this window has ended.
    std::vector<RetrainingProfile> profiles;
    std::map<std::string, RetrainingProfile> promised;  // By trials, before any correction.
    // By configuration: the part of its training that a trial has done already.
    std::map<std::string, double> done;
    std::optional<Running> running;
  };

  // What happens in the window.
  void Warn(const std::string& stream, const std::string& text);
  double Left() const { return end_ - ports_.timeline.Now(); }
  StreamWindow* Find(const std::string& id);
  void Observe(StreamWindow& stream);
  Situation SituationNow() const;
  RetrainingProfile AsOffered(const StreamWindow& stream, RetrainingProfile profile) const;
  void Apply(const std::vector<Allocation>& allocations);
  void ApplyProfiling(const std::vector<Quanta>& per_device);
  bool TakeEvents();
  void Handle(const Event& event);
  Status DecideUntilEnd();
  void WaitForAReason(double until);
  Result<double> Decide();
  double PatienceFor(const Schedule& schedule) const;

  // Labels and trials.
  void Prepare();
  void LabelAll();
  std::vector<std::string> CandidatesOf(const StreamWindow& stream,
                                        const schedule::ProfileNeeds& needs) const;
  void Expect(StreamWindow& stream, const schedule::ProfileNeeds& needs) const;
  void ExpectTheRest(const schedule::ProfileNeeds& needs);
  Situation SituationWithoutTrials(const schedule::ProfileNeeds& needs) const;
  void RunTrials(const schedule::ProfileNeeds& needs, const ServingPlan& plan);
  void TakeResult(const TrialRequest& request, const Result<profile::TrialResult>& result,
                  const schedule::ProfileNeeds& needs);
  RetrainingProfile Believed(const StreamWindow& stream, const RetrainingProfile& promised);
  void WarnOfTrial(const TrialRequest& request, const Error& error);
  void NoteTrial(StreamWindow& stream, const profile::Trial& trial,
                 const profile::TrialResult& result);
  void SortProfiles(StreamWindow& stream) const;

  // Profiles by shared belief.
  void TellAchieved(const StreamWindow& stream, const LabelSummary& labels);
  void RememberSwap(const RetrainingRecord& record, double device_seconds);
  void RunSharedTrials(const schedule::ProfileNeeds& needs);
  void RunRungs(StreamWindow& stream, double latest);

  // Retrainings.
  bool Start(StreamWindow& stream, const Allocation& job);
  void Close(StreamWindow& stream, std::string outcome, double device_seconds);
  void Finish(StreamWindow& stream);
  void Fail(StreamWindow& stream, const std::string& why);
  void Cancel(StreamWindow& stream, const std::string& why);

  // Predictions that turn out wrong.
  double SecondsLeft(const StreamWindow& stream) const;
  double LatestSeconds(const Running& running) const;
  void LookAtProgress(StreamWindow& stream);
  void LookAtLateness();
  void CorrectSeconds(StreamWindow& stream, double device_seconds);
  void CorrectAccuracy(StreamWindow& stream, double accuracy, double spread);
  void LearnFrom(StreamWindow& stream, const TrainedModel& model);
  void BelieveAgain(const StreamWindow& surprising);
  double SecondsUntilLate(const std::vector<Allocation>& jobs);
  RetrainingProfile* ProfileOf(StreamWindow& stream, const std::string& configuration);

  // Drift.
  bool WatchesDrift() const;
  DriftFinding LookAt(const StreamWindow& stream, double from_seconds);
  void LookForDrift();
  void LookWhileServing();
  void SettleDrift();

  const ConductorSettings& settings_;
  schedule::Policy& policy_;
  const Ports& ports_;
  Memory& memory_;
  const int window_;
  double end_ = 0;
  double next_look_ = std::numeric_limits<double>::infinity();  // For drift.
  bool weighs_ = false;                                         // Which trials to run.
  std::vector<StreamWindow> streams_;
  std::vector<std::string> reasons_;  // Why the next decision is made.
  WindowRecord record_;
};

}  // namespace ekya::window
