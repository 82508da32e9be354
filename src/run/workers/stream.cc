#include "run/workers/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "base/random.h"
#include "platform/models/detector.h"

namespace ekya::workers {
namespace {

// Kept of each window for labelling. More frames than this of one window hold little news.
constexpr int kFramesPerWindow = 60;
// The window being filled, the one being trained on, and the one before it.
constexpr int kWindowsKept = 3;
// Consecutive frames on which the cost of frame sampling is measured.
constexpr std::size_t kRecentFrames = 48;
// Every so manieth of them is timed.
constexpr std::size_t kTimedFrameStride = 6;
// Above the mean cost of a frame, so that a job at its share keeps up with the frames that cost
// more.
constexpr double kInferenceHeadroom = 1.2;
// Weight of a new frame in the moving mean of the cost.
constexpr double kCostWeight = 0.05;

/// A result's failure without its value.
template <typename T>
Status Only(const Result<T>& result) {
  return result.ok() ? Status{} : Status{result.error()};
}

}  // namespace

Stream::Stream(const CameraSettings& camera, const ModelSettings& model,
               const StreamEnvironment& environment)
    : camera_settings_(camera),
      model_settings_(model),
      environment_(environment),
      inference_configurations_(environment.site.learning.inference),
      store_(kFramesPerWindow, kWindowsKept) {
  if (inference_configurations_.empty()) {
    inference_configurations_ = DefaultInferenceConfigurations();
  }
}

Stream::~Stream() { Stop(); }

Result<std::unique_ptr<Stream>> Stream::Open(const CameraSettings& camera,
                                             const ModelSettings& model,
                                             const StreamEnvironment& environment) {
  std::unique_ptr<Stream> stream(new Stream(camera, model, environment));
  auto source = camera::OpenSource(camera, environment.seed);
  if (source.ok()) {
    stream->source_ = std::move(*source);
    const camera::SourceInfo& info = stream->source_->info();
    stream->truth_known_ = info.has_truth;
    stream->frames_per_second_ = info.frames_per_second;
    if (stream->camera_settings_.classes.empty()) stream->camera_settings_.classes = info.classes;
  } else {
    stream->gone_ = true;
    Log(LogLevel::kWarning, camera.id, "starts without its camera: {}", source.error().message);
  }
  if (stream->frames_per_second_ <= 0) {
    stream->frames_per_second_ = camera.frames_per_second > 0 ? camera.frames_per_second : 25;
  }
  EKYA_RETURN_IF_ERROR(stream->OpenModel());
  if (stream->bootstraps()) {
    stream->frame_origin_ =
        environment.site.learning.bootstrap_windows * environment.site.compute.window_seconds;
  }
  stream->inference_share_ = environment.enforcer.MakeJob(camera.id + "-inference");
  return stream;
}

Status Stream::OpenModel() {
  const auto extension = std::filesystem::path(model_settings_.path).extension();
  // What OpenCV serves of public files does not learn.
  if (detection() && (extension == ".onnx" || (extension == ".cfg" && !camera_settings_.learn))) {
    models::DetectorOptions options;
    options.keep = camera_settings_.classes;
    auto detector = models::OpenDetector(model_settings_.path, models::CocoNames(), options);
    if (!detector.ok()) return detector.error().Within("camera " + id());
    camera_settings_.classes = (*detector)->classes();
    version_ = 1;
    slot_.Put({version_, std::move(*detector)});
  } else {
    EKYA_ASSIGN(auto opened, OpenLearner(camera_settings_, model_settings_,
                                         environment_.site.learning, environment_.seed));
    camera_settings_.classes = opened.model->classes();
    if (opened.knows) {
      version_ = 1;
      slot_.Put({version_, opened.learner->MakeServed(*opened.model)});
    }
    learner_ = std::move(opened.learner);
    base_ = std::move(opened.model);
  }
  // Nothing is judged yet: any positive value makes the scheduler serve what can be served.
  if (version_ > 0) estimated_accuracy_ = 0.5;
  models_ = std::make_unique<StreamModels>(environment_.models, environment_.recorder, id(),
                                           truth_known_ ? "truth" : "golden");
  judge_ = std::make_unique<StreamJudge>(detection(), camera_settings_.classes.size());
  trust_ = std::make_unique<labels::GoldenTrust>(detection(), camera_settings_.classes.size());
  return {};
}

bool Stream::bootstraps() const {
  return learner_ != nullptr && model_settings_.path.empty() && source_ && !source_->info().live &&
         environment_.site.learning.bootstrap_windows > 0;
}

int Stream::WindowOf(double frame_seconds) const {
  // Half a frame, so that rounding never puts a window's first frame into the one before.
  const double live_seconds = frame_seconds - frame_origin_ + 0.5 / frames_per_second_;
  return environment_.site.learning.bootstrap_windows +
         static_cast<int>(std::floor(live_seconds / environment_.site.compute.window_seconds));
}

void Stream::Keep(int window, const FramePtr& frame) {
  {
    std::lock_guard lock(mutex_);
    ++frames_seen_[window];
    recent_.push_back(frame);
    if (recent_.size() > kRecentFrames) recent_.pop_front();
    // A still picture that is shown again brings nothing new to label.
    if (!frame->source_time.empty() && frame->source_time == last_source_time_) return;
    last_source_time_ = frame->source_time;
  }
  store_.Offer(window, frame);
}

Status Stream::ProfileInference() {
  std::vector<FramePtr> frames;
  {
    std::lock_guard lock(mutex_);
    frames.assign(recent_.begin(), recent_.end());
  }
  const models::ServedModel served = slot_.Get();
  if (frames.empty() && source_ && !source_->info().live) {
    // A video's first frames, read apart from the ones that will be served.
    auto ahead = camera::OpenSource(camera_settings_, environment_.seed);
    while (ahead.ok() && frames.size() < kRecentFrames) {
      auto next = (*ahead)->Next();
      if (!next.ok() || !next->has_value()) break;
      frames.push_back(std::make_shared<const Frame>(std::move(**next)));
    }
  }
  if (frames.empty() || !served.model) return {};
  // What frame sampling loses is measured against truth where that is the source of the labels,
  // else against the model's own results on every frame, which needs no label.
  const bool use_truth = truth_known_ && environment_.labeller.source() == "truth";
  std::vector<std::vector<Detection>> expected(frames.size());
  double cost = 0;
  int timed = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (use_truth) expected[i] = TruthOf(*frames[i]);
    if (i % kTimedFrameStride != 0) continue;
    const double before = ThreadCpuSeconds();
    EKYA_RETURN_IF_ERROR(Only(served.model->Analyze(*frames[i], 0)));
    // The first analysis also prepares the engine.
    if (i > 0) cost += ThreadCpuSeconds() - before;
    if (i > 0) ++timed;
  }
  EKYA_ASSIGN(auto profiles,
              inference::ProfileInference(*served.model, frames, expected, frames_per_second_,
                                          environment_.site.compute.device_cores,
                                          kInferenceHeadroom, inference_configurations_));
  std::lock_guard lock(mutex_);
  inference_profiles_ = std::move(profiles);
  profiled_cpu_seconds_ = timed > 0 ? cost / timed : 0;
  return {};
}

void Stream::Start(double run_start) {
  {
    std::lock_guard lock(mutex_);
    run_start_ = run_start;
    versions_ = {{0, version_}};
  }
  auto log = inference::EventLog::Open(environment_.out / "events" / (id() + ".jsonl"), id(),
                                       camera_settings_.classes, EpochSeconds());
  if (log.ok()) {
    events_ = std::move(*log);
  } else {
    Log(LogLevel::kWarning, id(), "no events are written: {}", log.error().message);
  }
  inference::InferenceJob::Hooks hooks;
  hooks.thread_start = [this] {
    if (const Status joined = inference_share_->Join(); !joined.ok()) {
      Log(LogLevel::kWarning, id(), "inference: {}", joined.error().message);
    }
  };
  hooks.checkpoint = [this] { return inference_share_->Checkpoint(); };
  hooks.result = [this](const inference::FrameResult& result) { OnResult(result); };
  inference_job_ = std::make_unique<inference::InferenceJob>(id(), slot_, std::move(hooks));

  camera::Camera::Callbacks callbacks;
  callbacks.frame = [this](FramePtr frame) { OnFrame(frame); };
  callbacks.gone = [this](const std::string& reason) {
    if (!gone_.exchange(true)) {
      environment_.post({window::Event::Kind::kStreamGone, id(), reason});
    }
  };
  callbacks.back = [this] {
    if (gone_.exchange(false)) {
      environment_.post({window::Event::Kind::kStreamBack, id(), ""});
    }
  };
  callbacks.ended = [this] {
    bool all_answered = false;
    {
      std::lock_guard lock(mutex_);
      camera_ended_ = true;
      all_answered = answered_ == offered_;
    }
    // A damaged file has been reported gone: no compute comes for the frames that still wait.
    if (all_answered || gone_) End();
  };
  camera_ =
      std::make_unique<camera::Camera>(camera_settings_, environment_.seed, std::move(source_),
                                       environment_.clock, std::move(callbacks));
  camera_->Start(run_start - frame_origin_);
}

void Stream::End() {
  // Gone only now: a stream that is gone gets no compute, and its last frames would wait for ever.
  if (ended_.exchange(true)) return;
  gone_ = true;
  environment_.post({window::Event::Kind::kStreamGone, id(), "its source has ended"});
}

void Stream::Stop() {
  camera_.reset();
  inference_share_->Release();
  inference_job_.reset();
  if (events_) {
    events_->Close();
    if (events_->lines_lost() > 0) {
      Log(LogLevel::kWarning, id(), "{} event lines could not be written", events_->lines_lost());
    }
    events_.reset();
  }
}

void Stream::OnFrame(const FramePtr& frame) {
  Keep(WindowOf(frame->time_seconds), frame);
  {
    std::lock_guard lock(mutex_);
    ++offered_;
  }
  inference_job_->Offer(frame);
}

void Stream::OnResult(const inference::FrameResult& result) {
  const int window = WindowOf(result.frame->time_seconds);
  const std::vector<Detection> truth =
      truth_known_ ? TruthOf(*result.frame) : std::vector<Detection>();
  judge_->Add(*result.frame, result.detections, result.skipped,
              result.frame->time_seconds - frame_origin_, truth_known_ ? &truth : nullptr);
  bool all_answered = false;
  {
    std::lock_guard lock(mutex_);
    if (!result.skipped) {
      analysis_cpu_seconds_ =
          analysis_cpu_seconds_ > 0
              ? (1 - kCostWeight) * analysis_cpu_seconds_ + kCostWeight * result.cpu_seconds
              : result.cpu_seconds;
    }
    ++answered_;
    all_answered = camera_ended_ && answered_ == offered_;
  }
  if (events_ && !result.skipped) events_->Add(result, window);
  if (all_answered) End();
}

window::StreamState Stream::Observe() const {
  window::StreamState state;
  state.gone = gone_;
  state.learns = learns();
  state.accuracy = estimated_accuracy_;
  std::lock_guard lock(mutex_);
  state.inference = inference_profiles_;
  // Until there is a model to measure, serving takes what it gets.
  if (state.inference.empty()) {
    for (const InferenceConfiguration& configuration : inference_configurations_) {
      state.inference.push_back({configuration.id, 0, 1});
    }
  }
  // The profile was taken on a quiet box; what a frame costs in service scales it.
  if (analysis_cpu_seconds_ > 0 && profiled_cpu_seconds_ > 0) {
    const double scale = analysis_cpu_seconds_ / profiled_cpu_seconds_;
    for (InferenceProfile& profile : state.inference) {
      profile.share = std::min(1.0, profile.share * scale);
    }
  }
  return state;
}

void Stream::Configure(const std::string& inference_configuration) {
  for (const InferenceConfiguration& configuration : inference_configurations_) {
    if (configuration.id == inference_configuration && inference_job_) {
      inference_job_->Configure(configuration);
    }
  }
}

void Stream::EndInterval(double from, double to, double retraining_cores) {
  const double cpu = inference_share_->CpuSeconds();
  double used = 0;
  {
    std::lock_guard lock(mutex_);
    used = cpu - last_inference_cpu_;
    last_inference_cpu_ = cpu;
  }
  judge_->EndInterval(from, to, to > from ? used / (to - from) : 0, retraining_cores);
}

window::StreamRecord Stream::Record() const {
  window::StreamRecord record = judge_->Record();
  record.id = id();
  record.accuracy_source = truth_known_ ? "truth" : "golden";
  record.classes = camera_settings_.classes;
  return record;
}

}  // namespace ekya::workers
