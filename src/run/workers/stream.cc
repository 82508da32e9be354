#include "run/workers/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "platform/models/detector.h"
#include "platform/models/served_classifier.h"

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
// A classifier's result is at its place when the boxes overlap by half; detectors are judged at the
// paper's IoU (section 6.1).
constexpr double kClassificationIou = 0.5;
constexpr double kDetectionIou = 0.3;
// Above the mean cost of a frame, so that a job at its share keeps up with the frames that cost
// more.
constexpr double kInferenceHeadroom = 1.2;
constexpr double kHeldOutFraction = 0.35;
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
      store_(kFramesPerWindow, kWindowsKept),
      exemplars_(environment.site.learning.exemplars_per_class,
                 DeriveSeed(environment.seed, camera.id + "/exemplars")) {
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
  if (detection()) {
    models::DetectorOptions options;
    options.keep = camera_settings_.classes;
    auto detector = models::OpenDetector(model_settings_.path, models::CocoNames(), options);
    if (!detector.ok()) return detector.error().Within("camera " + id());
    if (camera_settings_.classes.empty()) camera_settings_.classes = models::CocoNames();
    version_ = 1;
    slot_.Put({version_, std::move(*detector)});
    return {};
  }
  if (!model_settings_.path.empty()) {
    auto loaded = models::Classifier::Load(model_settings_.path);
    if (!loaded.ok()) return loaded.error().Within("camera " + id());
    camera_settings_.classes = (*loaded)->shape().classes;
    version_ = 1;
    slot_.Put({version_, models::MakeServed(**loaded)});
    base_ = std::move(*loaded);
    return {};
  }
  if (camera_settings_.classes.empty()) {
    return Error{ErrorCode::kInvalid,
                 "camera " + id() +
                     ": classes: found none, expected their names (the source, which "
                     "might have told them, is not open)"};
  }
  models::ClassifierShape shape;
  shape.architecture = model_settings_.architecture;
  shape.width = model_settings_.width;
  shape.input_size = model_settings_.input_size;
  shape.last_hidden = model_settings_.last_hidden;
  shape.classes = camera_settings_.classes;
  auto fresh = models::Classifier::Create(shape, DeriveSeed(environment_.seed, id() + "/weights"));
  if (!fresh.ok()) return fresh.error().Within("camera " + id());
  base_ = std::move(*fresh);
  return {};
}

bool Stream::bootstraps() const {
  return !detection() && model_settings_.path.empty() && source_ && !source_->info().live &&
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

Status Stream::Bootstrap() {
  const LearningSettings& learning = environment_.site.learning;
  if (!bootstraps()) return slot_.Get().model ? ProfileInference() : Status{};
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
  retrain::TrainingSet set;
  for (int window = 0; window < learning.bootstrap_windows; ++window) {
    auto labelled = Label(window, [] { return true; });
    if (!labelled.ok()) return labelled.error().Within("camera " + id() + ": bootstrap");
    const auto samples = store_.Samples(window);
    set.training.insert(set.training.end(), samples.begin(), samples.end());
  }
  if (set.training.empty()) {
    Log(LogLevel::kWarning, id(),
        "bootstrap: no labelled sample in the first {:.0f} s; the first model comes later",
        frame_origin_);
    return {};
  }
  RetrainingConfiguration configuration;
  configuration.id = "bootstrap";
  configuration.epochs = learning.bootstrap_epochs;
  configuration.learning_rate = learning.bootstrap_learning_rate;
  configuration.augmentation = learning.bootstrap_augmentation;
  auto outcome = retrain::Train(*base_, set, configuration,
                                DeriveSeed(environment_.seed, id() + "/bootstrap"), {});
  if (!outcome.ok()) return outcome.error().Within("camera " + id() + ": bootstrap");
  // The estimate is on samples that the model was trained on, since all are. It is right in what it
  // makes the scheduler do: until there are newer samples there is nothing to be won by retraining.
  auto accuracy = retrain::MeasureAccuracy(*outcome->model, set.training);
  if (!accuracy.ok()) return accuracy.error();
  EKYA_RETURN_IF_ERROR(Serve(std::move(outcome->model), *accuracy));
  Log(LogLevel::kInfo, id(), "first model: {} weights, {} samples, {:.1f} s of a core",
      base_->parameters(), set.training.size(), outcome->cpu_seconds);
  return ProfileInference();
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

void Stream::Judge(const std::vector<Detection>& detections, const std::vector<Detection>& truth,
                   Tally& tally) {
  const FrameScore score =
      ScoreFrame(detections, truth, detection() ? kDetectionIou : kClassificationIou);
  tally.score += score;
  judged_ += score;
  tally.class_counts.resize(camera_settings_.classes.size());
  for (const Detection& object : truth) {
    const auto index = static_cast<std::size_t>(object.class_index);
    if (index < tally.class_counts.size()) ++tally.class_counts[index];
  }
}

void Stream::OnResult(const inference::FrameResult& result) {
  const int window = WindowOf(result.frame->time_seconds);
  bool all_answered = false;
  {
    std::lock_guard lock(mutex_);
    ++frames_;
    ++tally_.frames;
    if (result.skipped) {
      ++frames_skipped_;
      ++tally_.frames_skipped;
    } else {
      analysis_cpu_seconds_ =
          analysis_cpu_seconds_ > 0
              ? (1 - kCostWeight) * analysis_cpu_seconds_ + kCostWeight * result.cpu_seconds
              : result.cpu_seconds;
    }
    if (truth_known_) {
      Judge(result.detections, TruthOf(*result.frame), tally_);
    } else {
      kept_results_[result.frame->index] = {result.detections,
                                            result.frame->time_seconds - frame_origin_};
    }
    ++answered_;
    all_answered = camera_ended_ && answered_ == offered_;
  }
  if (events_ && !result.skipped) events_->Add(result, window);
  if (all_answered) End();
}

Result<window::LabelSummary> Stream::Label(int window, const std::function<bool()>& between) {
  if (window <= labelled_window_) return labelled_summary_;
  const std::vector<FramePtr> frames = store_.Frames(window);
  int seen = 0;
  bool first_profile = false;
  {
    std::lock_guard lock(mutex_);
    seen = frames_seen_[window];
    frames_seen_.erase(frames_seen_.begin(), frames_seen_.upper_bound(window));
    first_profile = inference_profiles_.empty();
  }
  if (first_profile) EKYA_RETURN_IF_ERROR(ProfileInference());
  EKYA_ASSIGN(const auto labels, environment_.labeller.Label(frames, seen, between));
  window::LabelSummary summary;
  summary.samples_per_class.resize(camera_settings_.classes.size());

  if (!truth_known_) {
    std::lock_guard lock(mutex_);
    std::int64_t newest = -1;
    for (const auto& label : labels) {
      const Frame& frame = *frames[label.frame];
      newest = std::max(newest, frame.index);
      const auto kept = kept_results_.find(frame.index);
      if (kept == kept_results_.end()) continue;
      const auto inside = [&](const Tally& tally) {
        return kept->second.run_seconds >= tally.from && kept->second.run_seconds < tally.to;
      };
      const auto interval = std::find_if(intervals_.begin(), intervals_.end(), inside);
      Judge(kept->second.detections, label.objects,
            interval == intervals_.end() ? tally_ : *interval);
    }
    kept_results_.erase(kept_results_.begin(), kept_results_.upper_bound(newest));
  }

  if (!detection()) {
    exemplars_.Add(store_.Samples(window - 1));
    store_.PutSamples(window, labels::MakeSamples(frames, labels, model_settings_.input_size));
    const retrain::TrainingSet set = TrainingSetOf(window);
    summary.samples = static_cast<int>(set.training.size() + set.held_out.size());
    // Exemplars are trained on too: a window of one class is no trouble to a model that has seen
    // others.
    for (const auto* part : {&set.training, &set.held_out, &set.exemplars}) {
      for (const Sample& sample : *part) {
        ++summary.samples_per_class.at(static_cast<std::size_t>(sample.label));
      }
    }
    if (slot_.Get().model && !set.held_out.empty()) {
      EKYA_ASSIGN(estimated_accuracy_, retrain::MeasureAccuracy(*base_, set.held_out));
    }
  }
  labelled_window_ = window;
  labelled_summary_ = summary;
  return summary;
}

retrain::TrainingSet Stream::TrainingSetOf(int window) const {
  return retrain::SplitByTime(store_.Samples(window), kHeldOutFraction, exemplars_.Samples());
}

window::StreamState Stream::Observe() const {
  window::StreamState state;
  state.gone = gone_;
  state.learns = camera_settings_.learn && !detection();
  state.accuracy = detection() ? Score(judged_) : estimated_accuracy_;
  // Nothing judged yet: any positive value makes the scheduler serve the stream.
  if (detection() && state.accuracy < 0) state.accuracy = 0.5;
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

Status Stream::Publish(const models::Classifier& model) const {
  const auto folder = environment_.out / "models" / id() / std::to_string(version_);
  EKYA_RETURN_IF_ERROR(model.Save(folder / "weights.safetensors"));
  std::string names;
  for (const std::string& name : camera_settings_.classes) names += name + "\n";
  return WriteFileAtomically(folder / "labels.txt", names);
}

Status Stream::Serve(std::unique_ptr<models::Classifier> model, double accuracy) {
  ++version_;
  // A full disk must not keep the stream from its better model.
  if (const Status published = Publish(*model); !published.ok()) {
    Log(LogLevel::kWarning, id(), "model {} is served but not kept: {}", version_,
        published.error().message);
  }
  slot_.Put({version_, models::MakeServed(*model)});
  base_ = std::move(model);
  estimated_accuracy_ = accuracy;
  return {};
}

void Stream::Configure(const std::string& inference_configuration) {
  for (const InferenceConfiguration& configuration : inference_configurations_) {
    if (configuration.id == inference_configuration && inference_job_) {
      inference_job_->Configure(configuration);
    }
  }
}

double Stream::Score(const FrameScore& score) const {
  return detection() ? score.F1() : score.Accuracy();
}

void Stream::EndInterval(double from, double to, double retraining_cores) {
  const double cpu = inference_share_->CpuSeconds();
  std::lock_guard lock(mutex_);
  tally_.from = from;
  tally_.to = to;
  tally_.inference_cores = to > from ? (cpu - last_inference_cpu_) / (to - from) : 0;
  tally_.retraining_cores = retraining_cores;
  last_inference_cpu_ = cpu;
  intervals_.push_back(std::move(tally_));
  tally_ = {};
}

window::StreamRecord Stream::Record() const {
  std::lock_guard lock(mutex_);
  window::StreamRecord record;
  record.id = id();
  record.accuracy_source = truth_known_ ? "truth" : "golden";
  record.classes = camera_settings_.classes;
  for (const Tally& tally : intervals_) {
    window::StreamInterval interval;
    interval.from_seconds = tally.from;
    interval.to_seconds = tally.to;
    interval.frames = tally.frames;
    interval.frames_skipped = tally.frames_skipped;
    interval.accuracy = Score(tally.score);
    interval.class_counts = tally.class_counts;
    interval.class_counts.resize(camera_settings_.classes.size());
    interval.inference_cores = tally.inference_cores;
    interval.retraining_cores = tally.retraining_cores;
    record.intervals.push_back(std::move(interval));
  }
  record.mean_accuracy = Score(judged_);
  record.frames = frames_;
  record.frames_skipped = frames_skipped_;
  return record;
}

double Stream::RecentAccuracy(int intervals) const {
  std::lock_guard lock(mutex_);
  FrameScore score;
  const auto first =
      intervals_.size() - std::min(intervals_.size(), static_cast<std::size_t>(intervals));
  for (std::size_t i = first; i < intervals_.size(); ++i) score += intervals_[i].score;
  return Score(score);
}

double Stream::AccuracySince(double from) const {
  std::lock_guard lock(mutex_);
  FrameScore score;
  for (const Tally& tally : intervals_) {
    if (tally.from >= from) score += tally.score;
  }
  return Score(score);
}

}  // namespace ekya::workers
