// How a stream comes to labels and to better models.
#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "run/workers/stream.h"

namespace ekya::workers {
namespace {

// Of those that have served; nobody asks by whom a window was served that is long past.
constexpr std::size_t kMostVersions = 100;

}  // namespace

Result<window::LabelSummary> Stream::Label(int window, LearningService& learning) {
  if (window <= labelled_window_) return labelled_summary_;
  bool first_profile = false;
  {
    const std::lock_guard lock(mutex_);
    first_profile = profile_.profiles.empty();
  }
  if (first_profile) EKYA_RETURN_IF_ERROR(Profile());
  const std::string frames = (folder() / fmt::format("frames/{}.safetensors", window)).string();
  EKYA_ASSIGN(const int kept, service_->WriteFrames(window, frames));
  window::LabelSummary summary;
  summary.samples_per_class.resize(camera_settings_.classes.size());
  if (kept > 0) {
    EKYA_ASSIGN(const WindowLabels labels, LabelFrames(window, frames, learning, &summary));
    if (info_.can_learn && summary.doubt.empty()) {
      EKYA_RETURN_IF_ERROR(Learn(window, frames, labels, learning, &summary));
    }
  }
  std::error_code failed;
  std::filesystem::remove(frames, failed);
  labelled_window_ = window;
  labelled_summary_ = summary;
  return summary;
}

Result<WindowLabels> Stream::LabelFrames(int window, const std::string& frames,
                                         LearningService& learning, window::LabelSummary* summary) {
  EKYA_ASSIGN(WindowLabels labels, learning.Label(pupil(), window, frames));
  EKYA_ASSIGN(const JudgedLabels judged, service_->Judge(labels.labels, labels.last));
  for (const IntervalTally& tally : judged.changed) tallies_.Merge(tally, -1);
  summary->judged_accuracy = tallies_.Accuracy(judged.score);
  summary->judged = judged.score.objects;
  if (summary->judged_accuracy >= 0) estimated_accuracy_ = summary->judged_accuracy;
  std::vector<labels::SecondLook> looks;
  for (std::size_t i = 0; i < labels.first_looks.size(); ++i) {
    looks.push_back({labels.first_looks[i], labels.second_looks[i]});
  }
  trust_.Add(looks);
  summary->doubt = trust_.Doubt();
  return labels;
}

Status Stream::Learn(int window, const std::string& frames, const WindowLabels& labels,
                     LearningService& learning, window::LabelSummary* summary) {
  const std::optional<std::string> served = version_ > 0 ? std::optional(weights()) : std::nullopt;
  EKYA_ASSIGN(TakenIn taken, learning.Take(pupil(), window, frames, labels.labels, served));
  summary->samples = taken.samples;
  summary->samples_per_class = std::move(taken.samples_per_class);
  summary->held_out_accuracy = taken.served_accuracy;
  summary->held_out = taken.held_out;
  if (taken.served_accuracy >= 0) estimated_accuracy_ = taken.served_accuracy;
  return WatchPromoted(window, learning);
}

Status Stream::WatchPromoted(int window, LearningService& learning) {
  const std::lock_guard serving(serving_mutex_);
  if (watch_.previous() == 0 || watch_.version() != version_) return {};
  const auto previous = models_.Version(watch_.previous());
  if (!previous) return {};  // Nothing to go back to.
  const ServingVersion before = AsServing(*previous);
  EKYA_ASSIGN(const PairedMeasure measure,
              learning.Compare(pupil(), window, weights(), before.weights));
  const swap::Watch::Verdict verdict = watch_.Add(version_, measure.outcomes);
  if (!verdict.roll_back) return {};
  const std::int64_t worse = version_;
  EKYA_RETURN_IF_ERROR(PutInService(before, measure.candidate_accuracy));
  models_.RolledBack(worse, *previous, verdict.reason);
  watch_.Promoted(version_, 0);
  return {};
}

std::string Stream::weights() const {
  const std::lock_guard lock(mutex_);
  return weights_;
}

std::map<double, std::int64_t> Stream::versions() const {
  const std::lock_guard lock(mutex_);
  return versions_;
}

Status Stream::PutInService(const ServingVersion& version, double accuracy) {
  EKYA_RETURN_IF_ERROR(service_->Serve(version));
  version_ = version.version;
  estimated_accuracy_ = accuracy;
  const std::lock_guard lock(mutex_);
  versions_[run_start_ > 0 ? environment_.clock.Now() - run_start_ : 0] = version.version;
  if (versions_.size() > kMostVersions) versions_.erase(versions_.begin());
  weights_ = version.weights;
  return {};
}

Status Stream::Serve(const std::string& weights, const ModelOrigin& origin) {
  const std::lock_guard serving(serving_mutex_);
  const std::int64_t pinned = models_.pinned();
  if (pinned != 0 && version_ != 0) {
    return Error{ErrorCode::kInfeasible, fmt::format("pinned at version {}", pinned)};
  }
  const std::int64_t before = version_;
  const ServingVersion kept = models_.Keep(weights, origin);
  EKYA_RETURN_IF_ERROR(PutInService(kept, origin.accuracy));
  models_.Serves(kept);
  watch_.Promoted(kept.version, before);
  return {};
}

bool Stream::Obey() {
  const std::lock_guard serving(serving_mutex_);
  const auto ordered = models_.Ordered();
  if (!ordered || !info_.can_learn) return false;
  const Status served = PutInService(AsServing(*ordered), ordered->manifest.accuracy.accuracy);
  if (!served.ok()) {
    Log(LogLevel::kWarning, id(), "version {} was ordered and cannot serve: {}",
        ordered->manifest.version, served.error().message);
    return false;
  }
  models_.Obeyed(*ordered, "as ordered");
  return true;
}

void Stream::Quarantine(std::int64_t version, const std::string& why) {
  const std::lock_guard serving(serving_mutex_);
  models_.Quarantine(version, why);
  if (version_ != version) return;
  const auto newest = models_.Newest();
  if (!newest) {
    Log(LogLevel::kError, id(), "version {} breaks its worker and there is no other", version);
    return;
  }
  const Status served = PutInService(AsServing(*newest), newest->manifest.accuracy.accuracy);
  if (!served.ok()) {
    Log(LogLevel::kError, id(), "{}", served.error().message);
    return;
  }
  models_.Obeyed(*newest, fmt::format("since version {} is quarantined", version));
}

}  // namespace ekya::workers
