// How a stream's model learns: its first one, the labels of a window, the swap to a better one.
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/log.h"
#include "base/random.h"
#include "run/workers/stream.h"

namespace ekya::workers {

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
  for (int window = 0; window < learning.bootstrap_windows; ++window) {
    auto labelled = Label(window, [] { return true; });
    if (!labelled.ok()) return labelled.error().Within("camera " + id() + ": bootstrap");
    if (!labelled->doubt.empty()) Log(LogLevel::kWarning, id(), "{}", labelled->doubt);
  }
  RetrainingConfiguration configuration;
  configuration.id = "bootstrap";
  configuration.epochs = learning.bootstrap_epochs;
  configuration.learning_rate = learning.bootstrap_learning_rate;
  configuration.augmentation = learning.bootstrap_augmentation;
  configuration.distillation = 0;  // what it starts from knows nothing
  auto learned = learner_->TrainFirst(*base(), learning.bootstrap_windows - 1, configuration,
                                      DeriveSeed(environment_.seed, id() + "/bootstrap"));
  if (!learned.ok() && learned.error().code == ErrorCode::kNotFound) {
    Log(LogLevel::kWarning, id(),
        "bootstrap: no labelled sample in the first {:.0f} s; the first model comes later",
        frame_origin_);
    return {};
  }
  if (!learned.ok()) return learned.error().Within("camera " + id() + ": bootstrap");
  ModelOrigin origin;
  origin.accuracy = learned->accuracy.back();
  origin.device_seconds = learned->cpu_seconds / environment_.site.compute.device_cores;
  origin.reason = "the first model, measured on what it was trained on";
  EKYA_RETURN_IF_ERROR(Serve(std::move(learned->model), origin));
  Log(LogLevel::kInfo, id(), "first model: {} weights, {} samples, {:.1f} s of a core",
      base()->parameters(), learned->samples_per_epoch, learned->cpu_seconds);
  return ProfileInference();
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
  std::vector<double> uncertainty;
  for (const FramePtr& frame : frames) {
    uncertainty.push_back(labels::UncertaintyOf(judge_->ResultsOf(frame->index)));
  }
  EKYA_ASSIGN(const auto round, environment_.labeller.Label(frames, uncertainty, seen, between));
  const double judged = judge_->Accuracy(JudgeLabels(frames, round.labels));
  if (judged >= 0) estimated_accuracy_ = judged;
  trust_->Add(round.second_looks);

  window::LabelSummary summary;
  summary.samples_per_class.resize(camera_settings_.classes.size());
  summary.doubt = trust_->Doubt();
  if (learner_ && summary.doubt.empty()) {
    EKYA_RETURN_IF_ERROR(Learn(window, frames, round.labels, &summary));
  }
  labelled_window_ = window;
  labelled_summary_ = summary;
  return summary;
}

FrameScore Stream::JudgeLabels(const std::vector<FramePtr>& frames,
                               const std::vector<labels::Labeller::Labels>& labels) {
  FrameScore judged;
  for (const auto& label : labels) {
    // What was sought out for what it shows says nothing of the other frames.
    if (!label.uniform) continue;
    const auto score =
        judge_->Label(frames[label.frame]->index, label.objects, /*counts=*/!truth_known_);
    if (score) judged += *score;
  }
  if (!frames.empty()) judge_->Forget(frames.back()->index);
  return judged;
}

Status Stream::Learn(int window, const std::vector<FramePtr>& frames,
                     const std::vector<labels::Labeller::Labels>& labels,
                     window::LabelSummary* summary) {
  learner_->Take(window, frames, labels);
  const Material material = learner_->MaterialOf(window, kAllHeldOut);
  summary->samples = material.training + material.held_out;
  // Exemplars are trained on too: a window of one class is no trouble to a model that has seen
  // others.
  summary->samples_per_class = learner_->SamplesPerClass(window);
  if (slot_.Get().model && material.held_out > 0) {
    EKYA_ASSIGN(const double accuracy, learner_->Measure(*base(), window));
    estimated_accuracy_ = accuracy;
  }
  return {};
}

std::shared_ptr<const models::LearningModel> Stream::base() const {
  std::lock_guard lock(mutex_);
  return base_;
}

std::map<double, std::int64_t> Stream::versions() const {
  std::lock_guard lock(mutex_);
  return versions_;
}

void Stream::PutInService(std::shared_ptr<const models::LearningModel> model, double accuracy) {
  slot_.Put({version_, learner_->MakeServed(*model)});
  estimated_accuracy_ = accuracy;
  std::lock_guard lock(mutex_);
  versions_[run_start_ > 0 ? environment_.clock.Now() - run_start_ : 0] = version_;
  base_ = std::move(model);
}

Status Stream::Serve(std::unique_ptr<models::LearningModel> model, const ModelOrigin& origin) {
  std::lock_guard serving(serving_mutex_);
  const std::int64_t pinned = models_->pinned();
  if (pinned != 0 && version_ != 0) {
    return Error{ErrorCode::kInfeasible, fmt::format("pinned at version {}", pinned)};
  }
  version_ = models_->Begin(*model, camera_settings_.classes, origin);
  PutInService(std::move(model), origin.accuracy);
  return {};
}

bool Stream::Obey() {
  std::lock_guard serving(serving_mutex_);
  const auto ordered = models_->Ordered();
  if (!ordered || !learner_) return false;
  ModelSettings settings = model_settings_;
  settings.path = (ordered->folder / "weights.safetensors").string();
  auto opened =
      OpenLearner(camera_settings_, settings, environment_.site.learning, environment_.seed);
  if (!opened.ok()) {
    Log(LogLevel::kWarning, id(), "version {} was ordered and cannot serve: {}",
        ordered->manifest.version, opened.error().message);
    return false;
  }
  version_ = ordered->manifest.version;
  PutInService(std::move(opened->model), ordered->manifest.accuracy.accuracy);
  models_->Obeyed(*ordered);
  return true;
}

}  // namespace ekya::workers
