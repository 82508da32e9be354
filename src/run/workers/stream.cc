#include "run/workers/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/random.h"

namespace ekya::workers {
namespace {

// Of a first training whose worker dies.
constexpr int kMoreTries = 3;

}  // namespace

Stream::Stream(const CameraSettings& camera, std::unique_ptr<StreamService> service,
               const StreamEnvironment& environment, StreamInfo info)
    : camera_settings_(camera),
      environment_(environment),
      info_(std::move(info)),
      tallies_(camera.task == "detection"),
      trust_(camera.task == "detection", info_.classes.size()),
      models_(environment.models, environment.recorder, camera.id,
              info_.has_truth ? "truth" : "golden", info_.serves ? 1 : 0),
      service_(std::move(service)) {
  camera_settings_.classes = info_.classes;
  gone_ = !info_.camera_open;
  if (info_.serves) version_ = 1;
  // Nothing is judged yet: any positive value makes the scheduler serve what can be served.
  if (version_ > 0) estimated_accuracy_ = 0.5;
}

Stream::~Stream() { Stop(); }

Result<std::unique_ptr<Stream>> Stream::Open(const CameraSettings& camera, bool resume,
                                             std::unique_ptr<StreamService> service,
                                             const StreamEnvironment& environment) {
  EKYA_ASSIGN(StreamInfo info, service->Open());
  std::unique_ptr<Stream> stream(
      new Stream(camera, std::move(service), environment, std::move(info)));
  if (resume && stream->info_.can_learn) {
    if (const auto newest = stream->models_.Newest()) {
      EKYA_RETURN_IF_ERROR(
          stream->PutInService(AsServing(*newest), newest->manifest.accuracy.accuracy));
      stream->models_.Obeyed(*newest, "goes on after a restart");
    }
  } else {
    // What an earlier run has left there is none of this one's.
    std::error_code failed;
    std::filesystem::remove_all(stream->folder(), failed);
  }
  return stream;
}

std::filesystem::path Stream::folder() const { return environment_.out / "streams" / id(); }

bool Stream::bootstraps() const {
  return info_.can_learn && version_ == 0 && info_.camera_open && !info_.live &&
         environment_.site.learning.bootstrap_windows > 0;
}

Status Stream::Bootstrap(LearningService& learning) {
  const LearningSettings& settings = environment_.site.learning;
  if (!bootstraps()) return version_ > 0 ? Profile() : Status{};
  EKYA_RETURN_IF_ERROR(service_->ReadAhead());
  for (int window = 0; window < settings.bootstrap_windows; ++window) {
    auto labelled = Label(window, learning);
    if (!labelled.ok()) return labelled.error().Within("camera " + id() + ": bootstrap");
    if (!labelled->doubt.empty()) Log(LogLevel::kWarning, id(), "{}", labelled->doubt);
  }
  TrainingJob job;
  job.pupil = pupil();
  job.window = settings.bootstrap_windows - 1;
  job.first = true;
  job.configuration.id = "bootstrap";
  job.configuration.epochs = settings.bootstrap_epochs;
  job.configuration.learning_rate = settings.bootstrap_learning_rate;
  job.configuration.augmentation = settings.bootstrap_augmentation;
  job.configuration.distillation = 0;  // what it starts from knows nothing
  job.seed = DeriveSeed(environment_.seed, id() + "/bootstrap");
  job.out = (folder() / "first.safetensors").string();
  auto learned = learning.Train(job);
  // Its worker died, and is back or soon will be.
  for (int more = kMoreTries; more > 0 && !learned.ok(); --more) {
    if (learned.error().code != ErrorCode::kUnavailable) break;
    Log(LogLevel::kWarning, id(), "its first training begins again: {}", learned.error().message);
    learned = learning.Train(job);
  }
  if (!learned.ok() && learned.error().code == ErrorCode::kNotFound) {
    Log(LogLevel::kWarning, id(),
        "bootstrap: no labelled sample in the first {:.0f} s; the first model comes later",
        settings.bootstrap_windows * environment_.site.compute.window_seconds);
    return {};
  }
  if (!learned.ok()) return learned.error().Within("camera " + id() + ": bootstrap");
  ModelOrigin origin;
  origin.accuracy = learned->accuracy.empty() ? 0 : learned->accuracy.back();
  origin.device_seconds = learned->cpu_seconds / environment_.site.compute.device_cores;
  origin.reason = "the first model, measured on what it was trained on";
  origin.classes = learned->classes;
  EKYA_RETURN_IF_ERROR(Serve(job.out, origin));
  Log(LogLevel::kInfo, id(), "first model: {} weights, {} samples, {:.1f} s of a core",
      learned->parameters, learned->samples_per_epoch, learned->cpu_seconds);
  return Profile();
}

Status Stream::Profile() {
  EKYA_ASSIGN(ServingProfile profile, service_->Profile());
  if (profile.profiles.empty()) return {};
  const std::lock_guard lock(mutex_);
  profile_ = std::move(profile);
  return {};
}

Status Stream::Start(double run_start) {
  {
    const std::lock_guard lock(mutex_);
    run_start_ = run_start;
    versions_ = {{std::max(0.0, environment_.clock.Now() - run_start), version_}};
  }
  return service_->Start(run_start);
}

void Stream::Stop() { service_->Stop(); }

void Stream::Look() {
  const StreamPulse pulse = service_->Pulse();
  const bool gone = pulse.gone || pulse.ended;
  if (gone_.exchange(gone) != gone) {
    environment_.post({gone ? window::Event::Kind::kStreamGone : window::Event::Kind::kStreamBack,
                       id(), pulse.why});
    environment_.recorder.Event(id(), gone ? "camera gone" : "camera back", pulse.why);
  }
  // The first results of a worker, whether it is the run's first or stands in for one that died.
  if (pulse.analysed > 0 && analysed_ == 0) {
    environment_.recorder.Event(id(), "inference answers",
                                fmt::format("version {}", pulse.version));
  }
  analysed_ = pulse.analysed;
  if (pulse.ended) ended_ = true;
}

window::StreamState Stream::Observe() const {
  window::StreamState state;
  state.gone = gone_;
  state.learns = learns();
  state.accuracy = estimated_accuracy_;
  const double frame_cpu = service_->Pulse().frame_cpu_seconds;
  const std::lock_guard lock(mutex_);
  state.inference = profile_.profiles;
  // Until there is a model to measure, serving takes what it gets.
  if (state.inference.empty()) {
    const auto& own = environment_.site.learning.inference;
    for (const auto& configuration : own.empty() ? DefaultInferenceConfigurations() : own) {
      state.inference.push_back({configuration.id, 0, 1});
    }
  }
  // The profile was taken on a quiet box; what a frame costs in service scales it.
  if (frame_cpu > 0 && profile_.frame_cpu_seconds > 0) {
    const double scale = frame_cpu / profile_.frame_cpu_seconds;
    for (InferenceProfile& profile : state.inference) {
      profile.share = std::min(1.0, profile.share * scale);
    }
  }
  return state;
}

void Stream::EndInterval(double from, double to, double retraining_cores) {
  // A worker that is away has no results to tell: the interval is missing.
  const auto tally = service_->EndInterval(from, to);
  if (tally.ok()) tallies_.Merge(*tally, retraining_cores);
}

window::StreamRecord Stream::Record(double from) const {
  window::StreamRecord record = tallies_.Record(from);
  record.id = id();
  record.accuracy_source = info_.has_truth ? "truth" : "golden";
  record.classes = camera_settings_.classes;
  return record;
}

}  // namespace ekya::workers
