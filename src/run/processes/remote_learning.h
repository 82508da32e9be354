#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "run/processes/supervised.h"
#include "run/workers/services.h"

namespace ekya::processes {

/// LearningService in a process of its own: whatever its jobs do, nothing else notices but a
/// kUnavailable.
class RemoteLearning : public workers::LearningService {
 public:
  /// The process starts at once.
  RemoteLearning(const std::string& name, Supervised::Command command, EventHook event);

  Status SetShare(double cores, int core) override;
  Result<workers::WindowLabels> Label(const workers::Pupil& pupil, int window,
                                      const std::string& frames) override;
  Result<workers::TakenIn> Take(const workers::Pupil& pupil, int window, const std::string& frames,
                                const std::vector<workers::FrameLabel>& labels,
                                const std::optional<std::string>& served) override;
  Result<workers::TrainingReport> Train(const workers::TrainingJob& job) override;
  Result<workers::PairedMeasure> Compare(const workers::Pupil& pupil, int window,
                                         const std::string& served,
                                         const std::string& candidate) override;
  void Cancel() override;
  void Release() override;
  workers::LearningPulse Pulse() const override;

 private:
  Status Ready(const std::shared_ptr<grpc::Channel>& channel);
  Status TakePulse(const std::shared_ptr<grpc::Channel>& channel);
  void Ended();
  /// The part of its device that it is to have; all of it where nobody has said or it waits.
  double Share() const;
  /// Waits for a worker that is being started, until that is cancelled.
  Result<std::shared_ptr<grpc::Channel>> Channel() const;
  double SecondsBetweenPulses() const;
  /// Has the worker's job ended by `method`.
  template <typename Method>
  void End(Method method);
  /// Waits for a worker that is being started; then one call of work, which is followed by a pulse.
  template <typename Method, typename Request, typename Reply>
  Status Work(Method method, const Request& request, Reply* reply);

  const std::string name_;
  mutable std::mutex mutex_;
  // All below is guarded by mutex_.
  int working_ = 0;  // calls of work under way
  bool released_ = false;
  bool cancelled_ = false;  // whatever waits for a worker that is being started
  std::optional<std::pair<double, int>> share_;
  workers::LearningPulse pulse_;
  double lost_cpu_seconds_ = 0;  // of processes that have ended

  Supervised process_;  // last: its thread uses all the others
};

}  // namespace ekya::processes
