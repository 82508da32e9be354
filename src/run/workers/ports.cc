#include "run/workers/ports.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "stages/swap/gate.h"

namespace ekya::workers {
namespace {

// Measuring after every epoch of a trial must not cost more than the trial: its error at so many
// samples, 3 points, is that of the curve.
constexpr std::int64_t kTrialHeldOut = 160;

}  // namespace

ProfilingCompute::ProfilingCompute(Workers& workers, const WorkerHooks& hooks,
                                   std::vector<int> cores, double device_cores,
                                   Quanta quanta_per_device)
    : cores_(std::move(cores)),
      device_cores_(device_cores),
      quanta_per_device_(quanta_per_device),
      quanta_(cores_.size(), 0) {
  for (std::size_t device = 0; device < cores_.size(); ++device) {
    workers_.push_back(workers.MakeLearning(fmt::format("profiling-{}", device), hooks));
  }
}

Status ProfilingCompute::SetQuanta(const std::vector<Quanta>& per_device) {
  for (std::size_t device = 0; device < workers_.size(); ++device) {
    quanta_[device] = device < per_device.size() ? per_device[device] : 0;
    EKYA_RETURN_IF_ERROR(workers_[device]->SetShare(
        device_cores_ * quanta_[device] / quanta_per_device_, cores_[device]));
  }
  return {};
}

int ProfilingCompute::largest() const {
  return static_cast<int>(std::max_element(quanta_.begin(), quanta_.end()) - quanta_.begin());
}

int ProfilingCompute::working_devices() const {
  return std::max(1, static_cast<int>(std::count_if(quanta_.begin(), quanta_.end(),
                                                    [](Quanta each) { return each > 0; })));
}

double ProfilingCompute::CpuSeconds() const {
  double sum = 0;
  for (const auto& worker : workers_) sum += worker->Pulse().cpu_seconds;
  return sum;
}

void ProfilingCompute::ForEach(std::size_t count, int threads, double deadline,
                               const std::function<void(std::size_t, LearningService&)>& work) {
  std::atomic<std::size_t> next{0};
  const bool idle = quanta(largest()) == 0;
  std::vector<std::thread> running;
  for (int i = 0; i < devices() * threads; ++i) {
    const int device = i / threads;
    if (idle ? device > 0 : quanta(device) == 0) continue;
    running.emplace_back([&, device] {
      while (!released_ && MonotonicClock().Now() < deadline) {
        const std::size_t mine = next++;
        if (mine >= count) return;
        work(mine, worker(device));
      }
    });
  }
  for (std::thread& thread : running) thread.join();
}

void ProfilingCompute::Release() {
  released_ = true;
  for (const auto& worker : workers_) worker->Release();
}

std::vector<Result<window::LabelSummary>> LiveLabels::Label(const std::vector<std::string>& streams,
                                                            int window, double until) {
  std::vector<Result<window::LabelSummary>> results(
      streams.size(), Error{ErrorCode::kCancelled, "there was no time left for its labels"});
  if (window == 0) {
    results.assign(streams.size(), window::LabelSummary{});
    return results;
  }
  if (space_.ok() && space_->Look()) {
    results.assign(
        streams.size(),
        Error{ErrorCode::kUnavailable,
              fmt::format("the disk is full: {} MB are free, {} MB are needed to go on sampling",
                          space_->space().free_bytes / 1'000'000,
                          space_->marks().enough_bytes / 1'000'000)});
    return results;
  }
  const double before = compute_.CpuSeconds();
  // A stream's frames come from its worker while another stream's are labelled.
  constexpr int kThreads = 2;
  compute_.ForEach(streams.size(), kThreads, run_start_ + until,
                   [&](std::size_t i, LearningService& worker) {
                     results[i] = streams_.Get(streams[i]).Label(window - 1, worker);
                   });
  cpu_seconds_ += compute_.CpuSeconds() - before;
  return results;
}

Result<profile::TrialResult> LiveTrialRunner::RunOne(int window,
                                                     const window::TrialRequest& request,
                                                     double deadline, double turn_end,
                                                     LearningService& worker) const {
  const Stream& stream = streams_.Get(request.stream);
  const profile::Trial& trial = request.trial;
  std::optional<TrialModels::Kept> before;
  if (request.resume) before = trial_models_.Resume(request.stream, trial);
  const int done = before ? static_cast<int>(before->result.accuracy.size()) : 0;

  TrainingJob job;
  job.pupil = stream.pupil();
  job.window = window - 1;
  job.trial = true;
  job.base = before ? before->weights : stream.weights();
  job.configuration = trial.configuration;
  job.configuration.epochs = std::max(1, trial.epochs - done);
  job.configuration.sample_fraction = trial.sample_fraction;
  job.deadline = deadline;
  job.turn_end = turn_end;
  job.most_held_out = kTrialHeldOut;
  job.seed = DeriveSeed(seed_, fmt::format("{}/{}/trial", request.stream, window));
  const std::string name =
      fmt::format("trials/{}-{}-{}.safetensors", window, trial.configuration.id, done);
  job.out = (stream.folder() / name).string();
  auto report = worker.Train(job);
  std::error_code failed;
  if (before) std::filesystem::remove(before->weights, failed);
  if (!report.ok()) return report.error();

  profile::TrialResult result;
  result.accuracy = std::move(report->accuracy);
  const auto epochs = static_cast<double>(std::max<std::size_t>(1, result.accuracy.size()));
  result.start_accuracy = report->whole ? report->start_accuracy : stream.Observe().accuracy;
  result.held_out = report->held_out;
  result.full_samples = report->full_samples;
  result.trial_samples =
      report->whole ? report->samples_per_epoch
                    : static_cast<int>(std::lround(report->full_samples * trial.sample_fraction));
  result.device_seconds_per_epoch = report->epochs_cpu_seconds / epochs / device_cores_;
  result.device_seconds_once = report->once_cpu_seconds / device_cores_;
  result.device_seconds = report->cpu_seconds / device_cores_;
  if (before) {
    result.accuracy.insert(result.accuracy.begin(), before->result.accuracy.begin(),
                           before->result.accuracy.end());
    result.start_accuracy = before->result.start_accuracy;
    result.device_seconds_once += before->result.device_seconds_once;
    result.device_seconds += before->result.device_seconds;
  }
  result.resumable = report->whole;
  if (report->whole) trial_models_.Keep({request.stream, trial, result, job.out});
  return result;
}

std::vector<Result<profile::TrialResult>> LiveTrialRunner::Run(
    int window, const std::vector<window::TrialRequest>& requests) {
  std::vector<Result<profile::TrialResult>> results(
      requests.size(), Error{ErrorCode::kCancelled, "the window had no time left for this trial"});
  if (std::exchange(window_, window) != window) trial_models_.Clear();
  const double deadline = clock_.Now() + longest_seconds_;
  // Who was not come to in the window before comes first.
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_partition(
      order, [&](std::size_t i) { return untried_.contains(requests[i].stream); });
  std::atomic<std::size_t> left{requests.size()};
  compute_.ForEach(requests.size(), 1, deadline, [&](std::size_t turn, LearningService& worker) {
    const std::size_t i = order[turn];
    const double now = clock_.Now();
    const auto turns =
        std::max(1.0, static_cast<double>(left--) / std::max(1, compute_.working_devices()));
    results[i] = RunOne(window, requests[i], deadline, now + (deadline - now) / turns, worker);
  });
  untried_.clear();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (results[i].ok() || results[i].error().code != ErrorCode::kCancelled) continue;
    untried_.insert(requests[i].stream);
  }
  return results;
}

Status LiveSwapper::Swap(const window::TrainedModel& model) {
  Stream& stream = streams_.Get(model.stream);
  const auto trained = trainer_.TakeTrained(model);
  EKYA_CHECK(trained.has_value(), "a model is swapped once, after Take");
  const Status swapped = Promote(*trained, model.device_seconds, stream);
  std::error_code failed;
  // Kept in the store by now, or not wanted; where nothing can be kept it goes on serving.
  if (!swapped.ok() || stream.weights() != trained->weights) {
    std::filesystem::remove(trained->weights, failed);
  }
  if (swapped.ok()) swapped_(model.stream, stream.version());
  return swapped;
}

Status LiveSwapper::Promote(const LiveTrainer::Trained& trained, double device_seconds,
                            Stream& stream) const {
  const TrainingReport& report = trained.report;
  const PairedMeasure& comparison = report.comparison;
  std::string reason = "the stream's first model";
  if (stream.version() > 0) {
    const swap::GateResult gate = swap::Judge(comparison.outcomes);
    if (!gate.promote) return Error{ErrorCode::kInfeasible, gate.reason};
    reason = gate.reason;
  }
  const auto epochs = static_cast<int>(report.accuracy.size());
  if (epochs < trained.epochs) {
    reason += fmt::format("; ended early, after {} of {} epochs", epochs, trained.epochs);
  }
  if (!report.new_classes.empty()) {
    reason += fmt::format("; learned {}", fmt::join(report.new_classes, ", "));
  }
  return stream.Serve(
      trained.weights,
      {trained.window, trained.configuration, comparison.candidate_accuracy, comparison.objects,
       device_seconds, reason, report.classes, report.new_classes, comparison.temperature});
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
    EKYA_RETURN_IF_ERROR(
        stream.SetShare(Cores(allocation.inference_quanta),
                        allocation.inference_quanta > 0 ? core(allocation.inference_device) : -1));
    EKYA_RETURN_IF_ERROR(trainer_.SetShare(
        id, Cores(allocation.retraining_quanta),
        allocation.retraining_quanta > 0 ? core(allocation.retraining_device) : -1));
    if (!allocation.inference.empty()) {
      EKYA_RETURN_IF_ERROR(stream.Configure(allocation.inference));
    }
  }
  return {};
}

Status LiveAllocations::ApplyProfiling(const std::vector<Quanta>& per_device) {
  return compute_.SetQuanta(per_device);
}

}  // namespace ekya::workers
