#include "run/workers/recorder.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "base/boot.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/interval.h"
#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::workers {
namespace {

// Events that wait for a disk to have room again.
constexpr std::size_t kMostUntold = 1000;
// What the system's clock may be off by before it has jumped.
constexpr double kLeastJumpSeconds = 2;

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
  start_ = MonotonicClock().Now();
  start_epoch_ = start_epoch;
  {
    const std::lock_guard lock(untold_mutex_);
    ahead_seconds_ = EpochSeconds() - start_epoch;
  }
  if (!registry_) return;
  const auto run = registry_->BeginRun(
      {0, start_epoch, 0, scheduler, seed, window_seconds, BootId(), BootSeconds()}, streams);
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
  // The machine's own count where it has not been started since; the system's clock may jump.
  const std::string boot = BootId();
  double elapsed = !boot.empty() && boot == run.boot ? BootSeconds() - run.boot_seconds
                                                     : EpochSeconds() - run.started_seconds;
  const auto last = registry_->Windows(1, std::nullopt);
  if (last.ok() && !last->empty() && last->front().run == run.id) {
    elapsed = std::max(elapsed, last->front().end_seconds - run.started_seconds);
  }
  elapsed = std::max(elapsed, 0.0);
  run_ = run.id;
  start_ = MonotonicClock().Now() - elapsed;
  start_epoch_ = run.started_seconds;
  Event("", "run goes on", fmt::format("run {}, {:.0f} s after its start", run.id, elapsed));
}

double Recorder::Elapsed() const { return MonotonicClock().Now() - start_; }

double Recorder::Now() const {
  const double start_epoch = start_epoch_;
  return start_epoch > 0 ? start_epoch + Elapsed() : EpochSeconds();
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
  {
    const std::lock_guard lock(untold_mutex_);
    NoteJump();
  }
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
  NoteJump();
  Write({0, Now(), stream, kind, detail});
}

void Recorder::NoteJump() {
  const double ahead = EpochSeconds() - Now();
  const double jump = ahead - ahead_seconds_;
  if (std::abs(jump) < kLeastJumpSeconds) return;
  ahead_seconds_ = ahead;
  Write({0, Now(), "", "system clock jumped",
         fmt::format("by {:+.0f} s; it is {:+.0f} s ahead of this run's times", jump, ahead)});
}

void Recorder::Write(const registry::EventEntry& event) {
  untold_.push_back(event);
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
  const std::lock_guard lock(pins_mutex_);
  const auto changes = registry_->Changes();
  if (changes.ok() && *changes != changes_) {
    // What cannot be read stays as it was known.
    if (const auto pins = registry_->Pins(); pins.ok()) {
      changes_ = *changes;
      pins_.clear();
      for (const registry::Pin& pin : *pins) pins_[pin.stream] = pin.version;
    }
  }
  const auto pin = pins_.find(stream);
  return pin == pins_.end() ? 0 : pin->second;
}

void Recorder::End() {
  if (registry_) Note(registry_->EndRun(run_, Now()));
}

}  // namespace ekya::workers
