#include "run/workers/recorder.h"

#include <iterator>
#include <limits>
#include <numeric>

#include "base/clock.h"
#include "base/log.h"
#include "core/interval.h"
#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::workers {
namespace {

// Events that wait for a disk to have room again.
constexpr std::size_t kMostUntold = 1000;

}  // namespace

Recorder::Recorder(const std::filesystem::path& file) {
  auto registry = registry::Registry::Open(file);
  if (registry.ok()) {
    registry_ = std::move(*registry);
  } else {
    Log(LogLevel::kWarning, "", "nothing of this run will be remembered: {}",
        registry.error().message);
  }
}

Recorder::~Recorder() = default;

void Recorder::Note(const Status& status) {
  if (status.ok() == !failing_) return;
  failing_ = !status.ok();
  if (failing_) {
    Log(LogLevel::kWarning, "", "not remembered: {}", status.error().message);
  } else {
    Log(LogLevel::kInfo, "", "the registry can be written again");
  }
}

void Recorder::Begin(double start_epoch, const std::string& scheduler, std::uint64_t seed,
                     double window_seconds, const std::vector<registry::StreamEntry>& streams) {
  start_epoch_ = start_epoch;
  if (!registry_) return;
  const auto run =
      registry_->BeginRun({0, start_epoch, 0, scheduler, seed, window_seconds}, streams);
  if (run.ok()) run_ = *run;
  Note(run.ok() ? Status() : run.error());
}

std::optional<registry::RunEntry> Recorder::Killed() {
  if (!registry_) return std::nullopt;
  const auto runs = registry_->Runs(1);
  if (!runs.ok() || runs->empty() || runs->front().ended_seconds != 0) return std::nullopt;
  return runs->front();
}

void Recorder::Continue(const registry::RunEntry& run) {
  run_ = run.id;
  start_epoch_ = run.started_seconds;
  Event("", "run goes on",
        fmt::format("run {}, {:.0f} s after its start", run.id,
                    EpochSeconds() - run.started_seconds));
}

void Recorder::Window(const window::WindowRecord& window) {
  if (!registry_) return;
  registry::WindowEntry entry;
  entry.run = run_;
  entry.window = window.window;
  entry.start_seconds = start_epoch_ + window.start_seconds;
  entry.end_seconds = start_epoch_ + window.end_seconds;
  entry.labelling_seconds = window.labelling_seconds;
  entry.profiling_seconds = window.profiling_seconds;
  entry.profiling_device_seconds = window.profiling_device_seconds;
  entry.stopped = window.stopped;
  for (const auto& [stream, profiles] : window.profiles) {
    for (const RetrainingProfile& profile : profiles) {
      entry.profiles.push_back(
          {stream, profile.id, profile.accuracy, profile.device_seconds, profile.spread});
    }
  }
  for (const window::Decision& decision : window.decisions) {
    entry.decisions.push_back({start_epoch_ + decision.time_seconds, decision.reason,
                               WriteSituation(decision.situation),
                               WriteSchedule(decision.schedule)});
  }
  for (const window::RetrainingRecord& retraining : window.retrainings) {
    entry.retrainings.push_back(
        {retraining.stream, retraining.configuration, start_epoch_ + retraining.start_seconds,
         start_epoch_ + retraining.end_seconds, retraining.predicted_accuracy,
         retraining.predicted_device_seconds, retraining.achieved_accuracy,
         retraining.device_seconds, retraining.outcome});
  }
  for (const window::CorrectionRecord& correction : window.corrections) {
    entry.corrections.push_back({start_epoch_ + correction.time_seconds, correction.stream,
                                 correction.configuration, correction.what, correction.predicted,
                                 correction.corrected});
  }
  Note(registry_->RecordWindow(entry));
  for (const std::string& warning : window.warnings) Event("", "warning", warning);
}

void Recorder::Accuracies(const window::StreamRecord& stream, double from,
                          const std::map<double, std::int64_t>& versions) {
  if (!registry_) return;
  std::vector<registry::AccuracyEntry> entries;
  for (const window::StreamInterval& interval : stream.intervals) {
    if (interval.from_seconds < from) continue;
    registry::AccuracyEntry entry;
    entry.stream = stream.id;
    auto version = versions.upper_bound(interval.from_seconds);
    if (version != versions.begin()) entry.version = std::prev(version)->second;
    entry.from_seconds = start_epoch_ + interval.from_seconds;
    entry.to_seconds = start_epoch_ + interval.to_seconds;
    entry.frames = interval.frames;
    entry.frames_skipped = interval.frames_skipped;
    entry.accuracy.source = stream.accuracy_source;
    const int objects =
        std::accumulate(interval.class_counts.begin(), interval.class_counts.end(), 0);
    const bool judged = interval.accuracy >= 0 && objects > 0;
    entry.accuracy.accuracy = judged ? interval.accuracy : std::numeric_limits<double>::quiet_NaN();
    entry.accuracy.samples = judged ? objects : 0;
    const AccuracyInterval range =
        WilsonInterval(judged ? interval.accuracy : 0, static_cast<double>(entry.accuracy.samples));
    entry.accuracy.low = range.low;
    entry.accuracy.high = range.high;
    entries.push_back(std::move(entry));
  }
  Note(registry_->RecordAccuracies(entries));
}

void Recorder::Model(const registry::Manifest& manifest) {
  if (registry_) Note(registry_->RecordModel(manifest));
}

void Recorder::Event(const std::string& stream, const std::string& kind,
                     const std::string& detail) {
  if (!registry_) return;
  const std::lock_guard lock(untold_mutex_);
  untold_.push_back({0, EpochSeconds(), stream, kind, detail});
  // In their order: what a full disk has kept from being written comes first.
  Status written;
  while (!untold_.empty() && written.ok()) {
    written = registry_->RecordEvent(untold_.front());
    if (written.ok()) untold_.pop_front();
  }
  if (untold_.size() > kMostUntold) untold_.pop_front();
  Note(written);
}

std::int64_t Recorder::Pinned(const std::string& stream) {
  if (!registry_) return 0;
  const auto pin = registry_->PinOf(stream);
  return pin.ok() && *pin ? (*pin)->version : 0;
}

void Recorder::End() {
  if (registry_) Note(registry_->EndRun(run_, EpochSeconds()));
}

}  // namespace ekya::workers
