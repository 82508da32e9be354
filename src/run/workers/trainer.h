#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "decide/window/ports.h"
#include "run/workers/stream_set.h"
#include "run/workers/trial_models.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// Retrains streams' models, each in a learning worker of its own. One that dies under its job
/// costs the epoch that it was in: the job goes on in another worker, once. Conductor's thread, but
/// for CpuSeconds and Look.
class LiveTrainer : public window::Trainer {
 public:
  /// A retraining goes on from its trial's model where `trial_models` has it, else from the served
  /// one. `post` may be called from other threads. All outlive the trainer.
  LiveTrainer(const StreamSet& streams, TrialModels& trial_models, LearningPool& pool,
              double device_cores, std::uint64_t seed,
              std::function<void(const window::Event&)> post);
  /// Cancels what runs and waits for it.
  ~LiveTrainer() override;

  Status Start(const std::string& stream, int window,
               const RetrainingConfiguration& configuration) override;
  double DeviceSecondsDone(const std::string& stream) const override;
  std::optional<window::RetrainingProgress> Progress(const std::string& stream) const override;
  void Cancel(const std::string& stream) override;
  Result<window::TrainedModel> Take(const std::string& stream) override;

  /// What the stream's last retraining made, once Take has told of it.
  struct Trained {
    std::string weights;    ///< File; the caller's to remove.
    TrainingReport report;  ///< Its comparison is with the model that was served when it ended.
    int window = 0;
    std::string configuration;
    int epochs = 0;  ///< Planned; it may have ended early (LearningSettings::patience).
  };
  std::optional<Trained> TakeTrained(const window::TrainedModel& model);

  /// Shares of the stream's retraining; does nothing where none runs.
  Status SetShare(const std::string& stream, double cores, int core);
  /// Processor seconds of all retraining of `stream` so far. Any thread.
  double CpuSeconds(const std::string& stream) const;
  /// Posts the epochs that have ended since it looked last. Any thread.
  void Look();

 private:
  struct Job {
    std::unique_ptr<LearningService> worker;  // changes are guarded by mutex_
    double cores = 0;                         // guarded by mutex_
    int core = -1;                            // guarded by mutex_
    double earlier_cpu_seconds = 0;           // of the worker's jobs before; guarded by mutex_
    double lost_cpu_seconds = 0;              // of workers that died; guarded by mutex_
    int epochs_told = 0;                      // guarded by mutex_
    int epochs = 0;                           // of the training, in all
    std::thread thread;
    std::atomic<bool> cancelled{false};
    std::atomic<bool> ended{false};  // its worker has nothing to do for it any more
    // Written by the thread before it posts its event, read after that event.
    std::int64_t id = 0;
    bool done = false;
    Trained trained;
    int held_out = 0;
    double device_seconds = 0;
  };

  void Train(Job& job, const std::string& stream, int window,
             const RetrainingConfiguration& configuration, std::uint64_t seed);
  /// Runs `training`, in another worker where the first one dies.
  Result<TrainingReport> RunJob(Job& job, const std::string& stream, const TrainingJob& training);
  void Forget(const std::string& stream);
  /// Under mutex_.
  static double CpuSecondsOf(const Job& job);

  const StreamSet& streams_;
  TrialModels& trial_models_;
  LearningPool& pool_;
  const double device_cores_;
  const std::uint64_t seed_;
  const std::function<void(const window::Event&)> post_;
  std::int64_t next_id_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;  // changes are guarded by mutex_
  std::map<std::string, double> ended_cpu_seconds_;   // guarded by mutex_
};

}  // namespace ekya::workers
