#include "run/workers/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "run/workers/learner.h"
#include "stages/swap/gate.h"

namespace ekya::workers {
namespace {

// Measuring after every epoch of a trial must not cost more than the trial: its error at so many
// samples, 3 points, is that of the curve.
constexpr std::size_t kTrialHeldOut = 160;

}  // namespace

ProfilingCompute::ProfilingCompute(resources::ShareEnforcer& enforcer, std::vector<int> cores,
                                   double device_cores, Quanta quanta_per_device)
    : cores_(std::move(cores)),
      device_cores_(device_cores),
      quanta_per_device_(quanta_per_device),
      quanta_(cores_.size(), 0) {
  for (std::size_t device = 0; device < cores_.size(); ++device) {
    shares_.push_back(enforcer.MakeJob(fmt::format("profiling-{}", device)));
  }
}

Status ProfilingCompute::SetQuanta(const std::vector<Quanta>& per_device) {
  for (std::size_t device = 0; device < shares_.size(); ++device) {
    quanta_[device] = device < per_device.size() ? per_device[device] : 0;
    EKYA_RETURN_IF_ERROR(
        shares_[device]->Set(device_cores_ * quanta_[device] / quanta_per_device_, cores_[device]));
  }
  return {};
}

int ProfilingCompute::largest() const {
  return static_cast<int>(std::max_element(quanta_.begin(), quanta_.end()) - quanta_.begin());
}

void ProfilingCompute::Run(int device,
                           const std::function<void(const std::function<bool()>&)>& work) {
  resources::JobShare& share = *shares_.at(static_cast<std::size_t>(device));
  // Not the caller's thread: the conductor must not be held back by a job's share.
  std::thread([&] {
    if (const Status joined = share.Join(); !joined.ok()) {
      Log(LogLevel::kWarning, "profiling", "{}", joined.error().message);
    }
    work([&share] { return share.Checkpoint(); });
  }).join();
}

double ProfilingCompute::CpuSeconds() const {
  double sum = 0;
  for (const auto& share : shares_) sum += share->CpuSeconds();
  return sum;
}

void ProfilingCompute::Release() {
  for (const auto& share : shares_) share->Release();
}

Result<window::LabelSummary> LiveLabels::Label(const std::string& stream, int window) {
  Result<window::LabelSummary> summary = window::LabelSummary{};
  if (window == 0) return summary;
  const double before = compute_.CpuSeconds();
  compute_.Run(compute_.largest(), [&](const std::function<bool()>& checkpoint) {
    summary = streams_.Get(stream).Label(window - 1, checkpoint);
  });
  cpu_seconds_ += compute_.CpuSeconds() - before;
  return summary;
}

Result<profile::TrialResult> LiveTrialRunner::RunOne(
    int window, const window::TrialRequest& request,
    const std::function<bool()>& checkpoint) const {
  const Stream& stream = streams_.Get(request.stream);
  const double before = ThreadCpuSeconds();
  RetrainingConfiguration configuration = request.trial.configuration;
  configuration.epochs = request.trial.epochs;
  configuration.sample_fraction = request.trial.sample_fraction;

  profile::TrialResult result;
  double cpu_of_epochs = 0;
  retrain::TrainingHooks hooks;
  hooks.checkpoint = checkpoint;
  hooks.epoch = [&](const retrain::TrainingProgress& progress) {
    result.accuracy.push_back(progress.accuracy);
    cpu_of_epochs += progress.epoch_cpu_seconds;
    return profile::KeepTraining(result.accuracy);
  };
  const Learner& learner = stream.learner();
  const Material material = learner.MaterialOf(window - 1, kTrialHeldOut);
  auto learned =
      learner.Train(*stream.base(), window - 1, kTrialHeldOut, configuration,
                    DeriveSeed(seed_, fmt::format("{}/{}/trial", request.stream, window)), hooks);
  // A trial that ran out of time tells what it has measured.
  if (!learned.ok() && result.accuracy.empty()) return learned.error();
  result.start_accuracy = learned.ok() ? learned->start_accuracy : stream.Observe().accuracy;
  result.held_out = material.held_out_objects;
  result.full_samples = material.training + material.exemplars;
  result.trial_samples =
      learned.ok()
          ? learned->samples_per_epoch
          : static_cast<int>(std::lround(result.full_samples * request.trial.sample_fraction));
  const auto epochs = static_cast<double>(std::max<std::size_t>(1, result.accuracy.size()));
  result.device_seconds_per_epoch = cpu_of_epochs / epochs / device_cores_;
  result.device_seconds_once = learned.ok() ? learned->once_cpu_seconds / device_cores_ : 0;
  result.device_seconds = (ThreadCpuSeconds() - before) / device_cores_;
  if (learned.ok()) {
    result.resumable = true;
    trial_models_.Keep(request.stream, request.trial, static_cast<int>(result.accuracy.size()),
                       std::move(learned->model));
  }
  return result;
}

std::vector<Result<profile::TrialResult>> LiveTrialRunner::Run(
    int window, const std::vector<window::TrialRequest>& requests) {
  std::vector<Result<profile::TrialResult>> results(
      requests.size(), Error{ErrorCode::kCancelled, "the window had no time left for this trial"});
  trial_models_.Clear();
  const double deadline = timeline_.Now() + longest_seconds_;
  // Each device takes the next trial as it becomes free.
  std::mutex mutex;
  std::size_t next = 0;
  std::vector<std::thread> runners;
  for (int device = 0; device < compute_.devices(); ++device) {
    if (compute_.quanta(device) == 0) continue;
    runners.emplace_back([&, device] {
      compute_.Run(device, [&](const std::function<bool()>& checkpoint) {
        const auto in_time = [&] { return timeline_.Now() < deadline && checkpoint(); };
        while (in_time()) {
          std::size_t mine = 0;
          {
            std::lock_guard lock(mutex);
            if (next == requests.size()) return;
            mine = next++;
          }
          results[mine] = RunOne(window, requests[mine], in_time);
        }
      });
    });
  }
  for (std::thread& runner : runners) runner.join();
  return results;
}

Status LiveSwapper::Swap(const window::TrainedModel& model) {
  const LiveTrainer::Comparison comparison = trainer_.ComparisonOf(model.stream);
  Stream& stream = streams_.Get(model.stream);
  auto weights = trainer_.TakeWeights(model);
  EKYA_CHECK(weights != nullptr, "a model is swapped once, after Take");
  std::string reason = "the stream's first model";
  if (stream.version() > 0) {
    const swap::GateResult gate =
        swap::Judge(comparison.served, comparison.candidate, comparison.held_out);
    if (!gate.promote) return Error{ErrorCode::kInfeasible, gate.reason};
    reason = gate.reason;
  }
  EKYA_RETURN_IF_ERROR(stream.Serve(
      std::move(weights), {comparison.window, comparison.configuration, comparison.candidate,
                           comparison.held_out, model.device_seconds, reason}));
  swapped_(model.stream, stream.version());
  return {};
}

LiveAllocations::LiveAllocations(const StreamSet& streams, LiveTrainer& trainer,
                                 ProfilingCompute& compute, std::vector<int> cores,
                                 double device_cores, Quanta quanta_per_device)
    : streams_(streams),
      trainer_(trainer),
      compute_(compute),
      cores_(std::move(cores)),
      device_cores_(device_cores),
      quanta_per_device_(quanta_per_device) {}

double LiveAllocations::Cores(Quanta quanta) const {
  return device_cores_ * quanta / quanta_per_device_;
}

Status LiveAllocations::Apply(const std::vector<Allocation>& allocations) {
  std::map<std::string, const Allocation*> by_stream;
  for (const Allocation& allocation : allocations) by_stream[allocation.stream] = &allocation;
  for (const std::string& id : streams_.ids()) {
    Stream& stream = streams_.Get(id);
    const auto found = by_stream.find(id);
    const Allocation none;
    const Allocation& allocation = found == by_stream.end() ? none : *found->second;
    const auto core = [&](int device) { return cores_.at(static_cast<std::size_t>(device)); };
    EKYA_RETURN_IF_ERROR(stream.inference_share().Set(
        Cores(allocation.inference_quanta),
        allocation.inference_quanta > 0 ? core(allocation.inference_device) : -1));
    EKYA_RETURN_IF_ERROR(trainer_.SetShare(
        id, Cores(allocation.retraining_quanta),
        allocation.retraining_quanta > 0 ? core(allocation.retraining_device) : -1));
    if (!allocation.inference.empty()) stream.Configure(allocation.inference);
  }
  return {};
}

Status LiveAllocations::ApplyProfiling(const std::vector<Quanta>& per_device) {
  return compute_.SetQuanta(per_device);
}

}  // namespace ekya::workers
