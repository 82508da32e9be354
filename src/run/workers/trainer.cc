#include "run/workers/trainer.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "stages/retrain/retrainer.h"

namespace ekya::workers {

LiveTrainer::LiveTrainer(const StreamSet& streams, TrialModels& trial_models,
                         resources::ShareEnforcer& enforcer, double device_cores,
                         std::uint64_t seed, std::function<void(const window::Event&)> post)
    : streams_(streams),
      trial_models_(trial_models),
      enforcer_(enforcer),
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
  job->share = enforcer_.MakeJob(stream + "-retraining");
  EKYA_RETURN_IF_ERROR(job->share->Set(0, -1));
  const std::uint64_t seed = DeriveSeed(seed_, fmt::format("{}/{}", stream, window));
  Job& started = *job;
  {
    std::lock_guard lock(mutex_);
    jobs_[stream] = std::move(job);
  }
  started.thread = std::thread([this, &started, stream, window, configuration, seed] {
    Train(started, stream, window, configuration, seed);
  });
  return {};
}

void LiveTrainer::Train(Job& job, const std::string& stream, int window,
                        const RetrainingConfiguration& configuration, std::uint64_t seed) {
  const auto fail = [&](const std::string& why) {
    if (!job.cancelled) post_({window::Event::Kind::kRetrainingFailed, stream, why});
  };
  if (const Status joined = job.share->Join(); !joined.ok()) return fail(joined.error().message);
  if (!job.share->Checkpoint()) return;
  const Stream& source = streams_.Get(stream);
  const Learner& learner = source.learner();
  // Window w trains on what was seen before it.
  const int seen = window - 1;
  retrain::TrainingHooks hooks;
  hooks.checkpoint = [&job] { return job.share->Checkpoint(); };
  const std::shared_ptr<const models::LearningModel> served = source.base();
  auto start = trial_models_.Take(stream, configuration);
  if (!start) start = TrialModels::Start{learner.Clone(*served), configuration.epochs};
  std::unique_ptr<models::LearningModel> model = std::move(start->model);
  if (start->epochs_left > 0) {
    RetrainingConfiguration left = configuration;
    left.epochs = start->epochs_left;
    auto learned = learner.Train(*model, seen, kAllHeldOut, left, seed, hooks);
    if (!learned.ok()) return fail(learned.error().message);
    model = std::move(learned->model);
  }
  const auto served_accuracy = learner.Measure(*served, seen);
  const auto accuracy = learner.Measure(*model, seen);
  if (!served_accuracy.ok()) return fail(served_accuracy.error().message);
  if (!accuracy.ok()) return fail(accuracy.error().message);
  job.comparison = {*served_accuracy, *accuracy,
                    learner.MaterialOf(seen, kAllHeldOut).held_out_objects, window,
                    configuration.id};
  job.model = std::move(model);
  job.device_seconds = job.share->CpuSeconds() / device_cores_;
  if (!job.cancelled) post_({window::Event::Kind::kRetrainingDone, stream, ""});
}

double LiveTrainer::DeviceSecondsDone(const std::string& stream) const {
  const auto job = jobs_.find(stream);
  return job == jobs_.end() ? 0 : job->second->share->CpuSeconds() / device_cores_;
}

void LiveTrainer::Cancel(const std::string& stream) {
  if (const auto job = jobs_.find(stream); job != jobs_.end()) {
    job->second->cancelled = true;
    job->second->share->Release();
  }
  Forget(stream);
}

void LiveTrainer::Forget(const std::string& stream) {
  const auto job = jobs_.find(stream);
  if (job == jobs_.end()) return;
  if (job->second->thread.joinable()) job->second->thread.join();
  std::lock_guard lock(mutex_);
  ended_cpu_seconds_[stream] += job->second->share->CpuSeconds();
  jobs_.erase(job);
}

Result<window::TrainedModel> LiveTrainer::Take(const std::string& stream) {
  const auto job = jobs_.find(stream);
  if (job == jobs_.end()) {
    return Error{ErrorCode::kNotFound, "stream " + stream + ": no trained model waits"};
  }
  job->second->thread.join();
  if (!job->second->model) {
    return Error{ErrorCode::kNotFound, "stream " + stream + ": no trained model waits"};
  }
  return window::TrainedModel{stream, job->second->id, job->second->comparison.candidate,
                              job->second->device_seconds};
}

std::unique_ptr<models::LearningModel> LiveTrainer::TakeWeights(const window::TrainedModel& model) {
  const auto job = jobs_.find(model.stream);
  if (job == jobs_.end() || job->second->id != model.id) return nullptr;
  return std::move(job->second->model);
}

LiveTrainer::Comparison LiveTrainer::ComparisonOf(const std::string& stream) const {
  const auto job = jobs_.find(stream);
  return job == jobs_.end() ? Comparison{} : job->second->comparison;
}

Status LiveTrainer::SetShare(const std::string& stream, double cores, int core) {
  const auto job = jobs_.find(stream);
  return job == jobs_.end() ? Status{} : job->second->share->Set(cores, core);
}

double LiveTrainer::CpuSeconds(const std::string& stream) const {
  std::lock_guard lock(mutex_);
  const auto ended = ended_cpu_seconds_.find(stream);
  const auto job = jobs_.find(stream);
  return (ended == ended_cpu_seconds_.end() ? 0 : ended->second) +
         (job == jobs_.end() ? 0 : job->second->share->CpuSeconds());
}

}  // namespace ekya::workers
