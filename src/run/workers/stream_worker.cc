#include "run/workers/stream_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/log.h"
#include "platform/datasets/frame_file.h"
#include "platform/models/detector.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/model_store.h"
#include "stages/labels/labeller.h"

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
// Seconds: a start that is later than this is one into the middle.
constexpr double kLate = 1;

/// A result's failure without its value.
template <typename T>
Status Only(const Result<T>& result) {
  return result.ok() ? Status{} : Status{result.error()};
}

}  // namespace

StreamWorker::StreamWorker(const CameraSettings& camera, const ModelSettings& model,
                           const StreamPlace& place)
    : site_camera_(camera),
      camera_settings_(camera),
      model_settings_(model),
      place_(place),
      inference_configurations_(place.site.learning.inference),
      store_(kFramesPerWindow, kWindowsKept),
      windows_(place.site.compute.window_seconds, place.site.learning.bootstrap_windows) {
  if (inference_configurations_.empty()) {
    inference_configurations_ = DefaultInferenceConfigurations();
  }
}

StreamWorker::~StreamWorker() { Stop(); }

Result<StreamInfo> StreamWorker::Open() {
  auto source = camera::OpenSource(camera_settings_, place_.seed);
  if (source.ok()) {
    source_ = std::move(*source);
    const camera::SourceInfo& info = source_->info();
    gone_ = false;
    truth_known_ = info.has_truth;
    live_ = info.live;
    frames_per_second_ = info.frames_per_second;
    if (camera_settings_.classes.empty()) camera_settings_.classes = info.classes;
  } else {
    why_ = source.error().message;
    Log(LogLevel::kWarning, id(), "starts without its camera: {}", why_);
  }
  if (frames_per_second_ <= 0) {
    frames_per_second_ =
        camera_settings_.frames_per_second > 0 ? camera_settings_.frames_per_second : 25;
  }
  // What a source does not say, the golden model may.
  if (camera_settings_.classes.empty()) camera_settings_.classes = GoldenClasses();
  EKYA_RETURN_IF_ERROR(OpenModel());
  const double window = place_.site.compute.window_seconds;
  if (bootstraps()) frame_origin_ = place_.site.learning.bootstrap_windows * window;
  share_ = place_.enforcer.MakeJob(id() + "-inference");
  judge_ = std::make_unique<StreamJudge>(detection(), camera_settings_.classes.size(),
                                         kWindowsKept * window);
  StreamInfo info;
  info.camera_open = source_ != nullptr;
  info.live = live_;
  info.has_truth = truth_known_;
  info.frames_per_second = frames_per_second_;
  info.classes = camera_settings_.classes;
  info.can_learn = learner_ != nullptr;
  info.serves = slot_.Get().model != nullptr;
  return info;
}

std::vector<std::string> StreamWorker::GoldenClasses() const {
  if (!detection()) return place_.site.golden.classes;
  // Of all that it finds a model that does not grow could use nothing but what it knows itself.
  const bool grows = camera_settings_.learn && place_.site.learning.new_classes;
  if (!grows || place_.site.golden.source != "model") return {};
  return models::CocoNames();
}

Status StreamWorker::OpenModel() {
  const auto extension = std::filesystem::path(model_settings_.path).extension();
  // What OpenCV serves of public files does not learn.
  if (detection() && (extension == ".onnx" || (extension == ".cfg" && !camera_settings_.learn))) {
    models::DetectorOptions options;
    options.keep = camera_settings_.classes;
    auto detector = models::OpenDetector(model_settings_.path, models::CocoNames(), options);
    if (!detector.ok()) return detector.error().Within("camera " + id());
    camera_settings_.classes = (*detector)->classes();
    slot_.Put({1, std::move(*detector)});
    return {};
  }
  EKYA_ASSIGN(auto opened,
              OpenLearner(site_camera_, camera_settings_.classes, model_settings_,
                          place_.site.learning, place_.seed, place_.out / "streams" / id()));
  camera_settings_.classes = opened.classes;
  if (opened.knows) {
    EKYA_ASSIGN(const auto model,
                OnDevice(opened.model, *opened.learner, place_.site.learning, device()));
    EKYA_ASSIGN(auto served, opened.learner->MakeServed(*model, 1));
    slot_.Put({1, std::move(served)});
  }
  learner_ = std::move(opened.learner);
  swap_ = std::make_unique<ModelSwap>(camera_settings_, place_.site.learning, *learner_,
                                      place_.enforcer, slot_);
  return {};
}

bool StreamWorker::bootstraps() const {
  return learner_ != nullptr && model_settings_.path.empty() && source_ != nullptr && !live_ &&
         place_.site.learning.bootstrap_windows > 0;
}

int StreamWorker::WindowOf(double frame_seconds) const {
  // Half a frame, so that rounding never puts a window's first frame into the one before.
  const double seconds = frame_seconds - frame_origin_ + 0.5 / frames_per_second_;
  const std::lock_guard lock(mutex_);
  return windows_.WindowAt(seconds);
}

Status StreamWorker::BeginWindow(int window, double from) {
  const std::lock_guard lock(mutex_);
  windows_.Begin(window, from);
  return {};
}

Status StreamWorker::ReadAhead() {
  if (!bootstraps()) return {};
  const auto frames = static_cast<std::int64_t>(std::llround(frame_origin_ * frames_per_second_));
  for (std::int64_t i = 0; i < frames; ++i) {
    auto next = source_->Next();
    if (!next.ok()) {
      Log(LogLevel::kWarning, id(), "bootstrap: {}", next.error().message);
      break;
    }
    if (!next->has_value()) break;
    auto frame = std::make_shared<const Frame>(std::move(**next));
    Keep(WindowOf(frame->time_seconds), frame);
  }
  read_ahead_ = frame_origin_;
  return {};
}

void StreamWorker::Keep(int window, const FramePtr& frame) {
  {
    const std::lock_guard lock(mutex_);
    ++frames_seen_[window];
    frames_seen_.erase(frames_seen_.begin(), frames_seen_.lower_bound(window - kWindowsKept));
    recent_.push_back(frame);
    if (recent_.size() > kRecentFrames) recent_.pop_front();
    // A still picture that is shown again brings nothing new to label.
    if (!frame->source_time.empty() && frame->source_time == last_source_time_) return;
    last_source_time_ = frame->source_time;
  }
  store_.Offer(window, frame);
}

std::vector<FramePtr> StreamWorker::FirstFrames() const {
  std::vector<FramePtr> frames;
  auto ahead = camera::OpenSource(camera_settings_, place_.seed);
  while (ahead.ok() && frames.size() < kRecentFrames) {
    auto next = (*ahead)->Next();
    if (!next.ok() || !next->has_value()) break;
    frames.push_back(std::make_shared<const Frame>(std::move(**next)));
  }
  return frames;
}

Result<ServingProfile> StreamWorker::Profile() {
  std::vector<FramePtr> frames;
  {
    const std::lock_guard lock(mutex_);
    frames.assign(recent_.begin(), recent_.end());
  }
  const models::ServedModel served = slot_.Get();
  if (!served.model) return ServingProfile{};
  if (frames.empty() && source_ != nullptr && !live_) frames = FirstFrames();
  if (frames.empty()) return ServingProfile{};
  // What frame sampling loses is measured against truth where that is the source of the labels,
  // else against the model's own results on every frame, which needs no label.
  const bool use_truth = truth_known_ && place_.site.golden.source == "truth";
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
  ServingProfile profile;
  EKYA_ASSIGN(profile.profiles,
              inference::ProfileInference(*served.model, frames, expected, frames_per_second_,
                                          place_.site.compute.device_cores, kInferenceHeadroom,
                                          inference_configurations_));
  profile.frame_cpu_seconds = timed > 0 ? cost / timed : 0;
  return profile;
}

Status StreamWorker::Start(double run_start) {
  auto log = inference::EventLog::Open(place_.out / "events" / (id() + ".jsonl"), id(),
                                       camera_settings_.classes, EpochSeconds());
  if (log.ok()) {
    events_ = std::move(*log);
  } else {
    Log(LogLevel::kWarning, id(), "no events are written: {}", log.error().message);
  }
  inference::InferenceJob::Hooks hooks;
  hooks.thread_start = [this] {
    if (const Status joined = share_->Join(); !joined.ok()) {
      Log(LogLevel::kWarning, id(), "inference: {}", joined.error().message);
    }
  };
  hooks.checkpoint = [this] { return share_->Checkpoint(); };
  hooks.result = [this](const inference::FrameResult& result) { OnResult(result); };
  inference_job_ = std::make_unique<inference::InferenceJob>(id(), slot_, std::move(hooks));

  camera::Camera::Callbacks callbacks;
  callbacks.frame = [this](FramePtr frame) { OnFrame(frame); };
  callbacks.gone = [this](const std::string& reason) { SetGone(true, reason); };
  callbacks.back = [this] { SetGone(false, ""); };
  callbacks.ended = [this] {
    bool over = false;
    {
      const std::lock_guard lock(mutex_);
      camera_ended_ = true;
      // A damaged file has been reported gone: no compute comes for the frames that still wait.
      over = answered_ == offered_ || gone_;
    }
    if (over) End();
  };
  SkipPast(run_start);
  camera_ = std::make_unique<camera::Camera>(camera_settings_, place_.seed, std::move(source_),
                                             place_.clock, std::move(callbacks));
  camera_->Start(run_start - frame_origin_);
  return {};
}

void StreamWorker::SkipPast(double run_start) {
  if (source_ == nullptr || live_) return;
  const double now = place_.clock.Now() - run_start + frame_origin_;
  if (now < read_ahead_ + kLate) return;
  const auto skipped = source_->SkipTo(now);
  if (skipped.ok()) {
    Log(LogLevel::kInfo, id(), "goes on {:.1f} s into its source", now);
  } else {
    Log(LogLevel::kWarning, id(), "{}", skipped.error().message);
  }
}

void StreamWorker::SetGone(bool gone, const std::string& why) {
  const std::lock_guard lock(mutex_);
  gone_ = gone;
  why_ = why;
}

void StreamWorker::End() {
  // Gone only now: a stream that is gone gets no compute, and its last frames would wait for ever.
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  ended_ = true;
  gone_ = true;
  why_ = "its source has ended";
}

void StreamWorker::Stop() {
  camera_.reset();
  if (share_) share_->Release();
  inference_job_.reset();
  if (events_) {
    events_->Close();
    if (events_->lines_lost() > 0) {
      Log(LogLevel::kWarning, id(), "{} event lines could not be written", events_->lines_lost());
    }
    events_.reset();
  }
}

void StreamWorker::OnFrame(const FramePtr& frame) {
  Keep(WindowOf(frame->time_seconds), frame);
  {
    const std::lock_guard lock(mutex_);
    ++offered_;
  }
  inference_job_->Offer(frame);
}

void StreamWorker::OnResult(const inference::FrameResult& result) {
  const int window = WindowOf(result.frame->time_seconds);
  const std::vector<Detection> truth =
      truth_known_ ? TruthOf(*result.frame) : std::vector<Detection>();
  judge_->Add(result, result.frame->time_seconds - frame_origin_, truth_known_ ? &truth : nullptr);
  bool all_answered = false;
  {
    const std::lock_guard lock(mutex_);
    if (!result.skipped) {
      ++analysed_;
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

Status StreamWorker::Serve(const ServingVersion& version) {
  if (!learner_) {
    return Error{ErrorCode::kInvalid, "camera " + id() + ": its model does not learn"};
  }
  // A kept version's bytes are those of its manifest, or it is not served.
  const auto store = registry::ModelStore::OpenToRead(registry::DataFolder(place_.out).Models());
  if (store.ok() &&
      store->FileOf(id(), version.version, "weights.safetensors") == version.weights) {
    EKYA_ASSIGN(const auto whole, store->Load(id(), version.version));
  }
  FramePtr sample;
  {
    const std::lock_guard lock(mutex_);
    if (!recent_.empty()) sample = recent_.back();
  }
  return swap_->Serve(version, sample, device());
}

Status StreamWorker::Configure(const std::string& inference_configuration) {
  for (const InferenceConfiguration& configuration : inference_configurations_) {
    if (configuration.id == inference_configuration && inference_job_) {
      inference_job_->Configure(configuration);
    }
  }
  return {};
}

Status StreamWorker::SetShare(double cores, int core) {
  number_ = core;
  const int processor = ProcessorOf(place_.site.compute, core);
  EKYA_RETURN_IF_ERROR(share_->Set(cores, processor));
  return swap_ ? swap_->KeepOff(processor) : Status{};
}

Result<int> StreamWorker::WriteFrames(int window, const std::string& file) {
  datasets::KeptFrames kept;
  for (const FramePtr& frame : store_.Frames(window)) {
    if (frame->image.empty()) continue;  // Nobody could label it.
    kept.frames.push_back(frame);
    kept.uncertainty.push_back(labels::UncertaintyOf(judge_->ResultsOf(frame->index)));
  }
  {
    const std::lock_guard lock(mutex_);
    const auto seen = frames_seen_.find(window);
    kept.seen = seen == frames_seen_.end() ? 0 : seen->second;
  }
  EKYA_RETURN_IF_ERROR(datasets::SaveFrames(file, kept));
  store_.Forget(window);
  return static_cast<int>(kept.frames.size());
}

Result<JudgedLabels> StreamWorker::Judge(const std::vector<FrameLabel>& labels, std::int64_t last) {
  return judge_->Label(labels, last, /*counts=*/!truth_known_);
}

Result<IntervalTally> StreamWorker::EndInterval(double from, double to) {
  const double cpu = share_->CpuSeconds();
  const double used = cpu - std::exchange(last_cpu_seconds_, cpu);
  return judge_->EndInterval(from, to, to > from ? used / (to - from) : 0);
}

Result<std::vector<window::ServedResult>> StreamWorker::Served(double from, double to) {
  return judge_->Served(from, to);
}

StreamPulse StreamWorker::Pulse() const {
  StreamPulse pulse;
  pulse.cpu_seconds = share_ ? share_->CpuSeconds() : 0;
  pulse.version = slot_.Get().version;
  const std::lock_guard lock(mutex_);
  pulse.gone = gone_;
  pulse.ended = ended_;
  pulse.why = why_;
  pulse.frame_cpu_seconds = analysis_cpu_seconds_;
  pulse.analysed = analysed_;
  return pulse;
}

}  // namespace ekya::workers
