#include "run/workers/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace ekya::workers {
namespace {

constexpr std::chrono::milliseconds kBetweenCancels(20);

}  // namespace

LiveTrainer::LiveTrainer(const StreamSet& streams, TrialModels& trial_models, LearningPool& pool,
                         double device_cores, std::uint64_t seed,
                         std::function<void(const window::Event&)> post)
    : streams_(streams),
      trial_models_(trial_models),
      pool_(pool),
      device_cores_(device_cores),
      seed_(seed),
      post_(std::move(post)) {}

LiveTrainer::~LiveTrainer() {
  while (!jobs_.empty()) Cancel(jobs_.begin()->first);
}

Status LiveTrainer::Start(const std::string& stream, int window,
                          const RetrainingConfiguration& configuration) {
  Forget(stream);
  auto job = std::make_unique<Job>();
  job->id = ++next_id_;
  job->epochs = configuration.epochs;
  job->worker = pool_.Take();
  job->earlier_cpu_seconds = job->worker->Pulse().cpu_seconds;
  EKYA_RETURN_IF_ERROR(job->worker->SetShare(0, -1));
  const std::uint64_t seed = DeriveSeed(seed_, fmt::format("{}/{}", stream, window));
  Job& started = *job;
  {
    const std::lock_guard lock(mutex_);
    jobs_[stream] = std::move(job);
  }
  started.thread = std::thread([this, &started, stream, window, configuration, seed] {
    Train(started, stream, window, configuration, seed);
  });
  return {};
}

void LiveTrainer::Train(Job& job, const std::string& stream, int window,
                        const RetrainingConfiguration& configuration, std::uint64_t seed) {
  const Stream& source = streams_.Get(stream);
  const std::string name = fmt::format("trials/{}-retraining-{}", window, job.id);
  TrainingJob training;
  training.pupil = source.pupil();
  training.window = window - 1;  // Window w trains on what was seen before it.
  training.served = source.weights();
  training.base = training.served;
  training.configuration = configuration;
  training.compare = true;
  training.seed = seed;
  training.state_file = (source.folder() / (name + ".state")).string();
  training.out = (source.folder() / (name + ".safetensors")).string();
  if (auto start = trial_models_.Take(stream, configuration)) {
    training.base = std::move(start->weights);
    training.configuration.epochs = start->epochs_left;
  }
  auto report = RunJob(job, stream, training);
  std::error_code failed;
  if (training.base != training.served) std::filesystem::remove(training.base, failed);
  std::filesystem::remove(training.state_file, failed);
  if (report.ok() && report->whole) {
    job.held_out = report->comparison.objects;
    job.device_seconds = report->cpu_seconds / device_cores_;
    job.trained = {training.out, std::move(*report), window, configuration.id,
                   training.configuration.epochs};
    job.done = true;
  }
  job.ended = true;
  if (job.cancelled) return;
  if (job.done) {
    post_({window::Event::Kind::kRetrainingDone, stream, ""});
  } else {
    post_({window::Event::Kind::kRetrainingFailed, stream,
           report.ok() ? "it was cancelled" : report.error().message});
  }
}

Result<TrainingReport> LiveTrainer::RunJob(Job& job, const std::string& stream,
                                           const TrainingJob& training) {
  auto report = job.worker->Train(training);
  if (report.ok() || report.error().code != ErrorCode::kUnavailable || job.cancelled) return report;
  Log(LogLevel::kWarning, stream, "a retraining goes on in another worker: {}",
      report.error().message);
  auto another = pool_.Take();
  {
    const std::lock_guard lock(mutex_);
    job.lost_cpu_seconds += CpuSecondsOf(job);
    std::swap(job.worker, another);
    job.earlier_cpu_seconds = job.worker->Pulse().cpu_seconds;
    EKYA_RETURN_IF_ERROR(job.worker->SetShare(job.cores, job.core));
  }
  // It is started again, for a job to come.
  pool_.Give(std::move(another));
  return job.worker->Train(training);
}

double LiveTrainer::CpuSecondsOf(const Job& job) {
  return job.lost_cpu_seconds + job.worker->Pulse().cpu_seconds - job.earlier_cpu_seconds;
}

double LiveTrainer::DeviceSecondsDone(const std::string& stream) const {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(stream);
  return job == jobs_.end() ? 0 : CpuSecondsOf(*job->second) / device_cores_;
}

std::optional<window::RetrainingProgress> LiveTrainer::Progress(const std::string& stream) const {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(stream);
  if (job == jobs_.end()) return std::nullopt;
  const LearningPulse pulse = job->second->worker->Pulse();
  if (pulse.epochs == 0 || job->second->epochs <= 0) return std::nullopt;
  return window::RetrainingProgress{
      std::min(1.0, static_cast<double>(pulse.epochs) / job->second->epochs),
      pulse.epochs_cpu_seconds / device_cores_, pulse.accuracy, pulse.held_out};
}

void LiveTrainer::Look() {
  std::vector<std::string> news;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [stream, job] : jobs_) {
      const int epochs = job->worker->Pulse().epochs;
      if (epochs > job->epochs_told) news.push_back(stream);
      job->epochs_told = epochs;
    }
  }
  for (const std::string& stream : news) {
    post_({window::Event::Kind::kRetrainingProgress, stream, ""});
  }
}

void LiveTrainer::Cancel(const std::string& stream) {
  if (const auto job = jobs_.find(stream); job != jobs_.end()) {
    job->second->cancelled = true;
    // A worker forgets to end what it has not begun: it is told until there is nothing to tell.
    while (!job->second->ended) {
      {
        const std::lock_guard lock(mutex_);
        job->second->worker->Cancel();
      }
      std::this_thread::sleep_for(kBetweenCancels);
    }
  }
  Forget(stream);
}

void LiveTrainer::Forget(const std::string& stream) {
  const auto job = jobs_.find(stream);
  if (job == jobs_.end()) return;
  if (job->second->thread.joinable()) job->second->thread.join();
  std::unique_ptr<LearningService> worker;
  std::string weights;
  {
    const std::lock_guard lock(mutex_);
    ended_cpu_seconds_[stream] += CpuSecondsOf(*job->second);
    worker = std::move(job->second->worker);
    weights = std::move(job->second->trained.weights);
    jobs_.erase(job);
  }
  pool_.Give(std::move(worker));
  // Nobody has asked for it.
  std::error_code failed;
  if (!weights.empty()) std::filesystem::remove(weights, failed);
}

Result<window::TrainedModel> LiveTrainer::Take(const std::string& stream) {
  const auto job = jobs_.find(stream);
  const Error none{ErrorCode::kNotFound, "stream " + stream + ": no trained model waits"};
  if (job == jobs_.end()) return none;
  if (job->second->thread.joinable()) job->second->thread.join();
  if (!job->second->done) return none;
  return window::TrainedModel{stream, job->second->id,
                              job->second->trained.report.comparison.candidate_accuracy,
                              job->second->device_seconds, job->second->held_out};
}

std::optional<LiveTrainer::Trained> LiveTrainer::TakeTrained(const window::TrainedModel& model) {
  const auto job = jobs_.find(model.stream);
  if (job == jobs_.end() || job->second->id != model.id || !job->second->done) return std::nullopt;
  return std::exchange(job->second->trained, {});
}

Status LiveTrainer::SetShare(const std::string& stream, double cores, int core) {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(stream);
  if (job == jobs_.end()) return {};
  job->second->cores = cores;
  job->second->core = core;
  return job->second->worker->SetShare(cores, core);
}

double LiveTrainer::CpuSeconds(const std::string& stream) const {
  const std::lock_guard lock(mutex_);
  const auto ended = ended_cpu_seconds_.find(stream);
  const auto job = jobs_.find(stream);
  return (ended == ended_cpu_seconds_.end() ? 0 : ended->second) +
         (job == jobs_.end() ? 0 : CpuSecondsOf(*job->second));
}

}  // namespace ekya::workers
