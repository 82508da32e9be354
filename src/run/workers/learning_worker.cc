#include "run/workers/learning_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "decide/profile/trial.h"
#include "platform/datasets/frame_file.h"
#include "platform/datasets/labelled_frames.h"
#include "platform/models/detector.h"
#include "platform/models/golden_classifier.h"
#include "run/workers/compute_devices.h"
#include "stages/retrain/retrainer.h"

namespace ekya::workers {
namespace {

// Cores that a cancelled job ends with.
constexpr double kLastBreath = 0.5;

/// The golden model of `camera`'s task, which names the camera's classes by their places.
Result<std::shared_ptr<models::Model>> OpenGolden(const GoldenSettings& golden,
                                                  const CameraSettings& camera) {
  const std::string& file = GoldenModelOf(golden, camera.task);
  if (file.empty()) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("camera {}: found no golden model for task {}, expected golden.{}", camera.id,
                    camera.task, camera.task == "detection" ? "detector" : "classifier")};
  }
  auto opened = [&]() -> Result<std::unique_ptr<models::Model>> {
    if (camera.task == "detection") {
      models::DetectorOptions options;
      options.keep = camera.classes;
      return models::OpenDetector(file, models::CocoNames(), options);
    }
    models::GoldenClassifierOptions options;
    options.keep = camera.classes;
    return models::OpenGoldenClassifier(
        file, golden.classes.empty() ? camera.classes : golden.classes, options);
  }();
  if (!opened.ok()) return opened.error().Within("camera " + camera.id);
  return std::shared_ptr<models::Model>(std::move(*opened));
}

/// `labels`, of frames by their index, as the learner takes them; those of no frame are left out.
std::vector<labels::Labeller::Labels> ByPlace(const std::vector<FrameLabel>& labels,
                                              const std::vector<FramePtr>& frames) {
  std::vector<labels::Labeller::Labels> placed;
  for (const FrameLabel& label : labels) {
    const auto frame = std::find_if(frames.begin(), frames.end(), [&](const FramePtr& each) {
      return each->index == label.index;
    });
    if (frame == frames.end()) continue;
    placed.push_back(
        {static_cast<std::size_t>(frame - frames.begin()), label.objects, label.uniform});
  }
  return placed;
}

}  // namespace

LearningWorker::LearningWorker(const std::string& name, const LearningPlace& place)
    : place_(place), share_(place.enforcer.MakeJob(name)) {
  // Until somebody says otherwise.
  if (const Status set = share_->Set(1, -1); !set.ok()) {
    Log(LogLevel::kWarning, name, "{}", set.error().message);
  }
}

Status LearningWorker::SetShare(double cores, int core) {
  number_ = core;
  return share_->Set(cores, ProcessorOf(place_.site.compute, core));
}

template <typename T>
Result<T> LearningWorker::Run(const std::function<Result<T>(const Checkpoint&)>& work) {
  const std::lock_guard job(job_mutex_);
  cancelled_ = released_.load();
  {
    const std::lock_guard lock(pulse_mutex_);
    pulse_ = {};
  }
  Result<T> result = Error{ErrorCode::kCancelled, "the run ends"};
  // Not the caller's thread: who waits for a job must not be held back by its share.
  std::thread([&] {
    if (const Status joined = share_->Join(); !joined.ok()) {
      Log(LogLevel::kWarning, "learning", "{}", joined.error().message);
    }
    const Checkpoint checkpoint = [&] {
      return !cancelled_ && share_->Checkpoint() && !cancelled_;
    };
    if (!checkpoint()) return;
    result = work(checkpoint);
  }).join();
  return result;
}

CameraSettings LearningWorker::CameraOf(const Pupil& pupil) const {
  const CameraSettings* const found = FindCamera(place_.site, pupil.stream);
  EKYA_CHECK(found != nullptr, "unknown stream " + pupil.stream);
  CameraSettings camera = *found;
  camera.classes = pupil.classes;
  return camera;
}

Result<labels::Labeller*> LearningWorker::LabellerOf(const Pupil& pupil) {
  const CameraSettings camera = CameraOf(pupil);
  auto& labeller = labellers_[{camera.task, camera.classes}];
  if (!labeller) {
    std::shared_ptr<models::Model> golden;
    if (place_.site.golden.source == "model") {
      EKYA_ASSIGN(golden, OpenGolden(place_.site.golden, camera));
    }
    EKYA_ASSIGN(labeller, labels::MakeLabeller(place_.site.golden, std::move(golden)));
  }
  return labeller.get();
}

Result<OpenedLearner*> LearningWorker::LearnerOf(const Pupil& pupil) {
  if (!opened_ || pupil_ != pupil.stream) {
    opened_.reset();
    const CameraSettings* const camera = FindCamera(place_.site, pupil.stream);
    EKYA_CHECK(camera != nullptr, "unknown stream " + pupil.stream);
    EKYA_ASSIGN(auto opened, OpenLearner(*camera, pupil.classes, ModelOf(place_.site, pupil.stream),
                                         place_.site.learning, place_.seed,
                                         place_.out / "streams" / pupil.stream));
    opened_ = std::move(opened);
    pupil_ = pupil.stream;
  }
  return &*opened_;
}

Result<std::shared_ptr<const models::LearningModel>> LearningWorker::Weights(
    const OpenedLearner& opened, const Pupil& pupil, const std::string& weights) const {
  const Device device = DeviceOf(place_.site.compute, number_);
  const LearningSettings& learning = place_.site.learning;
  if (weights.empty()) return OnDevice(opened.model, *opened.learner, learning, device);
  EKYA_ASSIGN(auto model, LoadLearningModel(CameraOf(pupil), learning, weights, device));
  return std::shared_ptr<const models::LearningModel>(std::move(model));
}

Result<WindowLabels> LearningWorker::Label(const Pupil& pupil, int window,
                                           const std::string& frames) {
  return Run<WindowLabels>([&](const Checkpoint& checkpoint) -> Result<WindowLabels> {
    EKYA_ASSIGN(labels::Labeller* const labeller, LabellerOf(pupil));
    EKYA_ASSIGN(const auto kept, datasets::LoadFrames(frames));
    auto round = labeller->Label(kept.frames, kept.uncertainty, kept.seen, checkpoint);
    if (!round.ok()) return round.error().Within("stream " + pupil.stream);
    KeepForExport(pupil, window, kept.frames, *round);
    WindowLabels labels;
    for (auto& label : round->labels) {
      labels.labels.push_back(
          {kept.frames[label.frame]->index, std::move(label.objects), label.uniform});
    }
    for (auto& look : round->second_looks) {
      labels.first_looks.push_back(std::move(look.first));
      labels.second_looks.push_back(std::move(look.second));
    }
    if (!kept.frames.empty()) labels.last = kept.frames.back()->index;
    return labels;
  });
}

void LearningWorker::KeepForExport(const Pupil& pupil, int window,
                                   const std::vector<FramePtr>& frames,
                                   const labels::Labeller::Round& round) const {
  if (place_.site.server.data_dir.empty()) return;  // A run of its own, not a box that serves.
  std::vector<datasets::FrameWithLabels> labelled;
  for (const auto& label : round.labels) {
    labelled.push_back({frames.at(label.frame), label.objects, label.uniform});
  }
  const Status written = datasets::KeepLabelledFrames(
      place_.out / "streams" / pupil.stream, window,
      place_.site.golden.source == "model" ? "golden" : "truth", pupil.classes, labelled);
  if (!written.ok()) {
    Log(LogLevel::kWarning, pupil.stream, "labels are not kept: {}", written.error().message);
  }
}

Result<TakenIn> LearningWorker::Take(const Pupil& pupil, int window, const std::string& frames,
                                     const std::vector<FrameLabel>& labels,
                                     const std::optional<std::string>& served) {
  return Run<TakenIn>([&](const Checkpoint&) -> Result<TakenIn> {
    EKYA_ASSIGN(OpenedLearner* const opened, LearnerOf(pupil));
    EKYA_ASSIGN(const auto kept, datasets::LoadFrames(frames));
    Learner& learner = *opened->learner;
    EKYA_RETURN_IF_ERROR(learner.Take(window, kept.frames, ByPlace(labels, kept.frames)));
    const Material material = learner.MaterialOf(window, kAllHeldOut);
    TakenIn taken;
    taken.samples = material.training + material.held_out;
    // Exemplars are trained on too: a window of one class is no trouble to a model that has seen
    // others.
    taken.samples_per_class = learner.SamplesPerClass(window);
    taken.held_out = material.held_out_objects;
    if (served && material.held_out > 0) {
      EKYA_ASSIGN(const auto model, Weights(*opened, pupil, *served));
      EKYA_ASSIGN(taken.served_accuracy, learner.Measure(*model, window));
    }
    return taken;
  });
}

Result<TrainingReport> LearningWorker::Train(const TrainingJob& job) {
  return Run<TrainingReport>([&](const Checkpoint& checkpoint) -> Result<TrainingReport> {
    const double before = ThreadCpuSeconds();
    const Checkpoint in_time = [&] {
      return checkpoint() && (job.deadline <= 0 || MonotonicClock().Now() < job.deadline);
    };
    EKYA_ASSIGN(auto report, TrainNow(job, in_time));
    report.cpu_seconds = ThreadCpuSeconds() - before;
    return report;
  });
}

Result<TrainingReport> LearningWorker::TrainNow(const TrainingJob& job,
                                                const Checkpoint& checkpoint) {
  EKYA_ASSIGN(OpenedLearner* const opened, LearnerOf(job.pupil));
  const Learner& learner = *opened->learner;
  const bool fresh = job.base.empty() && !opened->knows;
  EKYA_ASSIGN(auto base,
              fresh ? learner.Beginning(job.window) : Weights(*opened, job.pupil, job.base));
  EKYA_ASSIGN(base, OnDevice(std::move(base), learner, place_.site.learning,
                             DeviceOf(place_.site.compute, number_)));
  TrainingReport report;
  const auto most_held_out =
      job.most_held_out > 0 ? static_cast<std::size_t>(job.most_held_out) : kAllHeldOut;
  const Material material = learner.MaterialOf(job.window, most_held_out);
  report.held_out = material.held_out_objects;
  report.full_samples = material.training + material.exemplars;

  std::unique_ptr<models::LearningModel> model;
  if (job.configuration.epochs > 0) {
    retrain::TrainingHooks hooks;
    hooks.checkpoint = checkpoint;
    hooks.state_file = job.state_file;
    // A trial has a plateau of its own, by which its curve is read.
    if (!job.trial) hooks.patience = place_.site.learning.patience;
    const double began = MonotonicClock().Now();
    const double cpu_before = ThreadCpuSeconds();
    hooks.epoch = [&](const retrain::TrainingProgress& progress) {
      report.accuracy.push_back(progress.accuracy);
      report.epochs_cpu_seconds += progress.epoch_cpu_seconds;
      {
        const std::lock_guard lock(pulse_mutex_);
        pulse_.epochs = static_cast<int>(report.accuracy.size());
        pulse_.epochs_cpu_seconds = report.epochs_cpu_seconds;
        pulse_.accuracy = progress.accuracy;
        pulse_.held_out = report.held_out;
      }
      if (!job.trial) return true;
      // Another epoch takes as long as this one, at the pace that the worker's share has given.
      const double now = MonotonicClock().Now();
      const double pace = (now - began) / std::max(ThreadCpuSeconds() - cpu_before, 1e-6);
      const bool over = job.turn_end > 0 && now + pace * progress.epoch_cpu_seconds > job.turn_end;
      return !over && profile::KeepTraining(report.accuracy);
    };
    auto learned = job.first ? learner.TrainFirst(*base, job.window, job.configuration, job.seed)
                             : learner.Train(*base, job.window, most_held_out, job.configuration,
                                             job.seed, hooks);
    if (!learned.ok()) {
      // A trial that ran out of time tells what it has measured.
      if (learned.error().code != ErrorCode::kCancelled || report.accuracy.empty()) {
        return learned.error();
      }
      report.whole = false;
      return report;
    }
    report.accuracy = learned->accuracy;
    report.start_accuracy = learned->start_accuracy;
    report.samples_per_epoch = learned->samples_per_epoch;
    report.once_cpu_seconds = learned->once_cpu_seconds;
    model = std::move(learned->model);
  } else {
    model = learner.Clone(*base);
  }
  report.parameters = model->parameters();
  report.classes = model->classes();
  if (job.compare) {
    EKYA_ASSIGN(const auto served, Weights(*opened, job.pupil, job.served));
    EKYA_ASSIGN(report.comparison, learner.Compare(*served, *model, job.window));
    const std::vector<std::string>& known = served->classes();
    std::ranges::copy_if(
        model->classes(), std::back_inserter(report.new_classes),
        [&](const std::string& name) { return std::ranges::find(known, name) == known.end(); });
  }
  EKYA_RETURN_IF_ERROR(model->Save(job.out));
  std::error_code gone_already;
  if (!job.state_file.empty()) std::filesystem::remove(job.state_file, gone_already);
  return report;
}

Result<PairedMeasure> LearningWorker::Compare(const Pupil& pupil, int window,
                                              const std::string& served,
                                              const std::string& candidate) {
  return Run<PairedMeasure>([&](const Checkpoint&) -> Result<PairedMeasure> {
    EKYA_ASSIGN(OpenedLearner* const opened, LearnerOf(pupil));
    EKYA_ASSIGN(const auto first, Weights(*opened, pupil, served));
    EKYA_ASSIGN(const auto second, Weights(*opened, pupil, candidate));
    return opened->learner->Compare(*first, *second, window);
  });
}

void LearningWorker::Cancel() {
  cancelled_ = true;
  // A job without a share would never come to its next checkpoint.
  if (const Status set = share_->Set(kLastBreath, -1); !set.ok()) {
    Log(LogLevel::kWarning, "learning", "{}", set.error().message);
  }
}

void LearningWorker::Release() {
  released_ = true;
  cancelled_ = true;
  share_->Release();
}

LearningPulse LearningWorker::Pulse() const {
  const double cpu = share_->CpuSeconds();
  const std::lock_guard lock(pulse_mutex_);
  LearningPulse pulse = pulse_;
  pulse.cpu_seconds = cpu;
  return pulse;
}

}  // namespace ekya::workers
