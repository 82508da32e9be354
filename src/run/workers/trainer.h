#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "decide/window/ports.h"
#include "platform/models/learning_model.h"
#include "platform/resources/share.h"
#include "run/workers/stream_set.h"
#include "run/workers/trial_models.h"

namespace ekya::workers {

/// Retrains streams' models in threads, each in its own share. Conductor's thread, but for
/// CpuSeconds.
class LiveTrainer : public window::Trainer {
 public:
  /// A retraining goes on from its trial's model where `trial_models` has it, else from the served
  /// one. `post` may be called from training threads. All outlive the trainer.
  LiveTrainer(const StreamSet& streams, TrialModels& trial_models,
              resources::ShareEnforcer& enforcer, double device_cores, std::uint64_t seed,
              std::function<void(const window::Event&)> post);
  /// Cancels what runs and waits for it.
  ~LiveTrainer() override;

  Status Start(const std::string& stream, int window,
               const RetrainingConfiguration& configuration) override;
  double DeviceSecondsDone(const std::string& stream) const override;
  void Cancel(const std::string& stream) override;
  Result<window::TrainedModel> Take(const std::string& stream) override;

  /// The weights that Take told of; once.
  std::unique_ptr<models::LearningModel> TakeWeights(const window::TrainedModel& model);
  /// Accuracies of the served and the trained model on the same held-out samples or pictures, and
  /// the number of objects in these.
  struct Comparison {
    double served = 0;
    double candidate = 0;
    int held_out = 0;
    int window = 0;
    std::string configuration;
  };
  Comparison ComparisonOf(const std::string& stream) const;

  /// Shares of the stream's retraining; does nothing where none runs.
  Status SetShare(const std::string& stream, double cores, int core);
  /// Processor seconds of all retraining of `stream` so far. Any thread.
  double CpuSeconds(const std::string& stream) const;

 private:
  struct Job {
    std::unique_ptr<resources::JobShare> share;
    std::thread thread;
    std::atomic<bool> cancelled{false};
    // Written by the thread before it posts its event, read after that event.
    std::int64_t id = 0;
    std::unique_ptr<models::LearningModel> model;
    Comparison comparison;
    double device_seconds = 0;
  };

  void Train(Job& job, const std::string& stream, int window,
             const RetrainingConfiguration& configuration, std::uint64_t seed);
  void Forget(const std::string& stream);

  const StreamSet& streams_;
  TrialModels& trial_models_;
  resources::ShareEnforcer& enforcer_;
  const double device_cores_;
  const std::uint64_t seed_;
  const std::function<void(const window::Event&)> post_;
  std::int64_t next_id_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;  // changes are guarded by mutex_
  std::map<std::string, double> ended_cpu_seconds_;   // guarded by mutex_
};

}  // namespace ekya::workers
