#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/trace.h"
#include "decide/window/ports.h"
#include "run/simulator/simulation.h"

namespace ekya::simulator {

/// The most accurate of the window's retrainings by the truth; null where there is none.
const TracedRetraining* BestRetraining(const TracedWindow& window);

/// The loop's ports over a trace and a virtual clock: estimates go in, truth comes out. One thread.
class TracedWorld : public window::Timeline,
                    public window::StreamMonitor,
                    public window::LabelSource,
                    public window::TrialRunner,
                    public window::Trainer,
                    public window::Swapper,
                    public window::AllocationSetter {
 public:
  /// Both outlive the world. `settings` has no zeros that stand for the trace's own. `oracle`:
  /// trials tell the truth and cost nothing.
  TracedWorld(const Trace& trace, const SimulationSettings& settings, bool oracle);

  window::Ports ports() { return {*this, *this, *this, *this, *this, *this, *this}; }

  /// Makes `window` (from 0) the present one: the world drifts, models age. Called between windows.
  void BeginWindow(int window);
  /// Moves the clock to the window's end and closes its accounts.
  void EndWindow();

  /// Serves `retraining` of the present window as if it had just arrived, where it is not worse
  /// than what is served or there is no gate.
  void Receive(const std::string& stream, const TracedRetraining& retraining);
  /// Serves `retraining`, made in an earlier `window`, from now on, for what it is worth now.
  void Reuse(const std::string& stream, const TracedRetraining& retraining, int window);
  /// Serves every stream with all the box has, for what the models are worth now.
  Status ServeAll();
  /// Writes what the ended windows came to into `result`.
  void Account(SimulationResult& result) const;

  double Now() const override { return clock_.Now(); }
  std::optional<window::Event> WaitForEvent(double until) override;
  std::vector<std::string> Streams() override;
  Result<window::StreamState> Observe(const std::string& stream) override;
  std::vector<Result<window::LabelSummary>> Label(const std::vector<std::string>& streams,
                                                  int window, double until) override;
  std::vector<Result<profile::TrialResult>> Run(
      int window, const std::vector<window::TrialRequest>& requests) override;
  Status Start(const std::string& stream, int window,
               const RetrainingConfiguration& configuration) override;
  double DeviceSecondsDone(const std::string& stream) const override;
  void Cancel(const std::string& stream) override;
  Result<window::TrainedModel> Take(const std::string& stream) override;
  Status Swap(const window::TrainedModel& model) override;
  Status Apply(const std::vector<Allocation>& allocations) override;
  Status ApplyProfiling(const std::vector<Quanta>& per_device) override;

 private:
  // A retraining that runs or whose model waits to be taken.
  struct Job {
    const TracedRetraining* truth = nullptr;
    double done = 0;          // Device seconds.
    double share = 0;         // Of a device.
    double speed = 0;         // Device seconds done in a second with that share.
    double stands_until = 0;  // On the clock; a change of share takes this long.
    bool finished = false;
  };
  struct Stream {
    const TracedStream* traced = nullptr;
    // The served model: what retrained it and in which window; null: never retrained.
    const TracedRetraining* model = nullptr;
    int model_window = 0;
    double accuracy = 0;  // Of the served model in the present window.
    double factor = 0;    // Of the inference configuration that is served; 0: not served.
    double share = 0;     // Of a device that serving uses.
    double down_until = 0;
    double integral = 0;  // Of accuracy x factor over the present window.
    std::optional<Job> job;
  };

  const TracedWindow& WindowOf(const Stream& stream, int window) const;
  std::size_t IndexOf(const std::string& stream) const;
  double AccuracyOf(const Stream& stream) const;
  double Noisy(double value, const std::string& what) const;
  Result<profile::TrialResult> Measure(const window::TrialRequest& request, double& device_seconds);
  // Serves `truth` from now on, or says why not.
  Status Promote(Stream& stream, const TracedRetraining& truth);
  void Advance(double time);
  // Spends `device_seconds` of labelling or trials on the compute set aside for them.
  void Spend(double device_seconds);

  const SimulationSettings& settings_;
  const bool oracle_;
  VirtualClock clock_;
  int window_ = 0;
  double window_end_ = 0;
  double preparation_devices_ = 0;  // Whole devices that labelling and trials may use.
  std::vector<Stream> streams_;
  std::map<std::string, std::size_t> index_;
  std::vector<SimulatedStream> results_;
  int swaps_ = 0;
  double inference_device_seconds_ = 0;
  double retraining_device_seconds_ = 0;
  double labelling_device_seconds_ = 0;
};

}  // namespace ekya::simulator
