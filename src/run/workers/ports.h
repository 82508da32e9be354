#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/site.h"
#include "decide/window/ports.h"
#include "platform/resources/free_space.h"
#include "run/workers/stream_set.h"
#include "run/workers/trainer.h"
#include "run/workers/trial_models.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// The compute that labelling and trials use between windows' start and the schedule: one learning
/// worker per device.
class ProfilingCompute {
 public:
  /// `cores[d]`: the processor that is device d.
  ProfilingCompute(Workers& workers, const WorkerHooks& hooks, std::vector<int> cores,
                   double device_cores, Quanta quanta_per_device);

  Status SetQuanta(const std::vector<Quanta>& per_device);
  int devices() const { return static_cast<int>(workers_.size()); }
  /// The device with the most quanta now.
  int largest() const;
  Quanta quanta(int device) const { return quanta_.at(static_cast<std::size_t>(device)); }
  /// Devices that have quanta; at least 1.
  int working_devices() const;
  LearningService& worker(int device) { return *workers_.at(static_cast<std::size_t>(device)); }
  double CpuSeconds() const;
  /// Calls `work(i, worker)` for each i below `count`, from `threads` threads for each device that
  /// has quanta (where none has any, for the first): each takes the next i as it becomes free. A
  /// worker does one job at a time; a second thread does what else belongs to the next meanwhile.
  /// Takes none after `deadline`, on the machine's monotonic clock, nor once it is released.
  void ForEach(std::size_t count, int threads, double deadline,
               const std::function<void(std::size_t, LearningService&)>& work);
  /// Ends every job, present and future: the run is over.
  void Release();

 private:
  const std::vector<int> cores_;
  const double device_cores_;
  const Quanta quanta_per_device_;
  std::vector<std::unique_ptr<LearningService>> workers_;
  std::vector<Quanta> quanta_;
  std::atomic<bool> released_{false};
};

class LiveDrift : public window::DriftSource {
 public:
  explicit LiveDrift(const StreamSet& streams) : streams_(streams) {}
  Result<std::vector<window::ServedResult>> Served(const std::string& stream, double from_seconds,
                                                   double to_seconds) override {
    return streams_.Get(stream).Served(from_seconds, to_seconds);
  }

 private:
  const StreamSet& streams_;
};

class LiveMonitor : public window::StreamMonitor {
 public:
  explicit LiveMonitor(const StreamSet& streams) : streams_(streams) {}
  std::vector<std::string> Streams() override { return streams_.ids(); }
  Result<window::StreamState> Observe(const std::string& stream) override {
    return streams_.Get(stream).Observe();
  }

 private:
  const StreamSet& streams_;
};

/// Labels the window before the one that begins, as many streams at once as devices have quanta for
/// them, while there is room on the disk: a full one stops sampling, and with it retraining.
class LiveLabels : public window::LabelSource {
 public:
  /// `run_start`: the timeline's second 0, on the machine's monotonic clock.
  LiveLabels(const StreamSet& streams, ProfilingCompute& compute, double run_start,
             Result<resources::FreeSpace> space)
      : streams_(streams), compute_(compute), run_start_(run_start), space_(std::move(space)) {}
  std::vector<Result<window::LabelSummary>> Label(const std::vector<std::string>& streams,
                                                  int window, double until) override;
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  const StreamSet& streams_;
  ProfilingCompute& compute_;
  const double run_start_;
  Result<resources::FreeSpace> space_;
  double cpu_seconds_ = 0;
};

/// Runs trials, as many at once as devices have quanta for them.
class LiveTrialRunner : public window::TrialRunner {
 public:
  /// `longest_seconds`: trials that are not done so long after Run began are not done at all: what
  /// they would tell is worth less than the rest of the window. Each has an equal part of that time
  /// and what those before it have left: one that needs more ends early, after a whole epoch.
  /// Their models are left in `trial_models`.
  LiveTrialRunner(const StreamSet& streams, TrialModels& trial_models, ProfilingCompute& compute,
                  Clock& clock, double device_cores, double longest_seconds, std::uint64_t seed)
      : streams_(streams),
        trial_models_(trial_models),
        compute_(compute),
        clock_(clock),
        device_cores_(device_cores),
        longest_seconds_(longest_seconds),
        seed_(seed) {}
  std::vector<Result<profile::TrialResult>> Run(
      int window, const std::vector<window::TrialRequest>& requests) override;

 private:
  Result<profile::TrialResult> RunOne(int window, const window::TrialRequest& request,
                                      double deadline, double turn_end,
                                      LearningService& worker) const;

  const StreamSet& streams_;
  TrialModels& trial_models_;
  ProfilingCompute& compute_;
  Clock& clock_;
  const double device_cores_;
  const double longest_seconds_;
  const std::uint64_t seed_;
  int window_ = -1;                // whose models are kept
  std::set<std::string> untried_;  // streams that the last window's trials did not come to
};

/// Puts a retrained model in service when the gate lets it pass.
class LiveSwapper : public window::Swapper {
 public:
  /// `swapped` is told of every model that begins to be served.
  LiveSwapper(const StreamSet& streams, LiveTrainer& trainer,
              std::function<void(const std::string& stream, std::int64_t version)> swapped)
      : streams_(streams), trainer_(trainer), swapped_(std::move(swapped)) {}
  Status Swap(const window::TrainedModel& model) override;

 private:
  Status Promote(const LiveTrainer::Trained& trained, double device_seconds, Stream& stream) const;

  const StreamSet& streams_;
  LiveTrainer& trainer_;
  const std::function<void(const std::string&, std::int64_t)> swapped_;
};

/// Turns quanta into enforced shares of cores.
class LiveAllocations : public window::AllocationSetter {
 public:
  LiveAllocations(const StreamSet& streams, LiveTrainer& trainer, ProfilingCompute& compute,
                  std::vector<int> cores, double device_cores, Quanta quanta_per_device);
  Status Apply(const std::vector<Allocation>& allocations) override;
  Status ApplyProfiling(const std::vector<Quanta>& per_device) override;

 private:
  double Cores(Quanta quanta) const;

  const StreamSet& streams_;
  LiveTrainer& trainer_;
  ProfilingCompute& compute_;
  const std::vector<int> cores_;
  const double device_cores_;
  const Quanta quanta_per_device_;
};

}  // namespace ekya::workers
