#include "run/workers/live_run.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "decide/schedule/policy.h"
#include "decide/window/conductor.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/data_lock.h"
#include "platform/registry/disk_budget.h"
#include "platform/registry/model_store.h"
#include "platform/registry/reaper.h"
#include "platform/resources/free_space.h"
#include "platform/resources/share.h"
#include "run/workers/compute_devices.h"
#include "run/workers/event_timeline.h"
#include "run/workers/live_threads.h"
#include "run/workers/live_windows.h"
#include "run/workers/live_world.h"
#include "run/workers/opening.h"
#include "run/workers/recorder.h"
#include "run/workers/resumption.h"
#include "run/workers/stream.h"
#include "run/workers/stream_set.h"
#include "run/workers/thread_workers.h"
#include "run/workers/window_grid.h"

namespace ekya::workers {
namespace {

// Results are pooled over so many intervals a window.
constexpr int kIntervalsPerWindow = 30;

/// Mean over streams of the accuracy in the second half of a run that ended at `ended`: what is
/// left of a model, or won back, once the world has drifted away from where the run began.
double SecondHalf(const StreamSet& streams, double ended) {
  double sum = 0;
  int judged = 0;
  for (const std::string& id : streams.ids()) {
    const double accuracy = streams.Get(id).AccuracySince(ended / 2);
    if (accuracy < 0) continue;
    sum += accuracy;
    ++judged;
  }
  return judged > 0 ? sum / judged : 0;
}

/// The interval of the run's mean accuracy: the means of the streams' own ends, as if all of them
/// were off to one side.
void AddInterval(window::RunRecord* record) {
  double low = 0;
  double high = 0;
  int judged = 0;
  for (const window::StreamRecord& stream : record->streams) {
    if (!(stream.mean_accuracy >= 0)) continue;
    low += stream.accuracy_low;
    high += stream.accuracy_high;
    ++judged;
  }
  if (judged == 0) return;
  record->figures["accuracy_low"] = low / judged;
  record->figures["accuracy_high"] = high / judged;
}

/// Removes what is too much in the data folder, and says so in the registry, while it lives.
class DiskReaper {
 public:
  DiskReaper(const registry::DataFolder& folder, const std::filesystem::path& data_dir,
             const registry::ModelStore& models, std::uint64_t max_bytes, Recorder& recorder)
      : budget_(folder, models, recorder.registry()),
        reaper_(&budget_, OptionsOf(data_dir, max_bytes),
                [&recorder](const registry::Reaped& reaped) {
                  const std::string what =
                      reaped.gone.empty() ? "nothing more may go" : registry::Describe(reaped.gone);
                  Log(reaped.enough ? LogLevel::kInfo : LogLevel::kWarning, "", "disk budget: {}",
                      what);
                  recorder.Event("", reaped.enough ? "disk reaped" : "disk full", what);
                }) {}

 private:
  static registry::ReaperOptions OptionsOf(const std::filesystem::path& data_dir,
                                           std::uint64_t max_bytes) {
    registry::ReaperOptions options;
    options.max_bytes = max_bytes;
    if (const auto space = resources::SpaceAt(data_dir); space.ok()) {
      // Room to go on sampling, or what is low once would be low for ever.
      options.keep_free = resources::MarksFor(space->total_bytes).enough_bytes;
    }
    return options;
  }

  registry::DiskBudget budget_;
  registry::Reaper reaper_;
};

window::ConductorSettings SettingsOf(const Site& site, int devices) {
  window::ConductorSettings settings;
  settings.window_seconds = site.compute.window_seconds;
  settings.devices = devices;
  settings.quanta_per_device = site.compute.quanta_per_device;
  settings.accuracy_floor = site.compute.accuracy_floor;
  settings.gated = true;
  settings.retraining =
      site.learning.retraining.empty() ? DefaultRetrainingGrid() : site.learning.retraining;
  settings.profiling.sample_fraction = site.learning.profiling_fraction;
  settings.profiling.epochs = site.learning.profiling_epochs;
  settings.weigh_trials = site.learning.weigh_trials;
  settings.drift = window::DriftUseOf(site.learning.drift);
  settings.profiler = window::ProfilerUseOf(site.learning.profiler);
  return settings;
}

/// Of a run of which nothing has happened yet.
window::RunRecord NewRecord(const Site& site, const LiveOptions& options, int devices) {
  window::RunRecord record;
  record.scheduler = options.scheduler;
  record.seed = options.seed;
  record.devices = devices;
  record.device_cores = site.compute.device_cores;
  record.quanta_per_device = site.compute.quanta_per_device;
  record.window_seconds = site.compute.window_seconds;
  return record;
}

/// Tells the box's service supervisor, where there is one.
void Tell(const resources::ServiceNotifier* notifier,
          Status (resources::ServiceNotifier::*what)() const) {
  if (notifier == nullptr) return;
  if (const Status told = (notifier->*what)(); !told.ok()) {
    Log(LogLevel::kWarning, "", "{}", told.error().message);
  }
}

/// What a run holds of the box for as long as it lasts: the data folder, who enforces shares, and
/// the workers.
struct LiveBox {
  registry::DataLock lock;
  std::unique_ptr<resources::ShareEnforcer> enforcer;
  std::unique_ptr<Workers> workers;

  static Result<LiveBox> Hold(const Site& site, const LiveOptions& options, Clock& clock) {
    EKYA_ASSIGN(registry::DataLock lock, registry::DataLock::Take(options.data_dir));
    EKYA_ASSIGN(auto enforcer, resources::MakeShareEnforcer(site.compute.enforcement));
    // Before this thread joins what serves: processes begin where it is.
    std::unique_ptr<Workers> workers;
    if (options.workers) {
      EKYA_ASSIGN(workers, options.workers());
    } else {
      workers = MakeThreadWorkers(site, options.seed, options.data_dir, clock, *enforcer);
    }
    if (const Status joined = enforcer->JoinService(); !joined.ok()) {
      Log(LogLevel::kWarning, "", "cameras may lag behind: {}", joined.error().message);
    }
    return LiveBox{std::move(lock), std::move(enforcer), std::move(workers)};
  }
};

/// One run: opened, begun, conducted to its end, each once and in this order.
class LiveRun {
 public:
  LiveRun(const Site& site, const LiveOptions& options, LiveBox box, Clock& clock)
      : site_(site),
        options_(options),
        clock_(clock),
        box_(std::move(box)),
        folder_(options.data_dir),
        recorder_(folder_.Registry()),
        store_(registry::ModelStore::Open(folder_.Models())),
        killed_(options.resume ? TakeUpKilled(options.scheduler, options.seed, recorder_)
                               : std::nullopt),
        environment_{site,
                     options.seed,
                     options.data_dir,
                     clock,
                     store_.ok() ? &*store_ : nullptr,
                     recorder_,
                     [this](const window::Event& event) { timeline_->Post(event); }} {
    if (!store_.ok()) {
      Log(LogLevel::kWarning, "", "models are not kept: {}", store_.error().message);
    }
    hooks_.event = [this](const std::string& stream, const std::string& kind,
                          const std::string& detail) { recorder_.Event(stream, kind, detail); };
  }

  /// Opens the cameras and has first models trained where none serves.
  Status Open() {
    EKYA_RETURN_IF_ERROR(OpenStreams(options_.resume, killed_.has_value(), environment_,
                                     *box_.workers, hooks_, &streams_));
    Log(LogLevel::kInfo, "", "{}; shares are enforced by {}", box_.workers->mechanism(),
        box_.enforcer->mechanism());
    return TrainFirstModels(streams_, *box_.workers, hooks_, resources::Processors());
  }

  /// The run's second 0, or where the killed one stands, is now: cameras play and models serve.
  Status Begin() {
    if (killed_) {
      resumption_ = Resume(*killed_, recorder_);
    } else {
      recorder_.Begin(EpochSeconds(), options_.scheduler, options_.seed,
                      site_.compute.window_seconds, Entries());
    }
    start_ = clock_.Now() - resumption_.elapsed_seconds;
    if (store_.ok()) {
      reaper_.emplace(folder_, options_.data_dir, *store_, site_.server.max_bytes, recorder_);
    }
    timeline_ = std::make_unique<EventTimeline>(clock_, start_);
    for (const std::string& id : streams_.ids()) {
      if (const auto& next = resumption_.next_window) {
        EKYA_RETURN_IF_ERROR(streams_.Get(id).BeginWindow(next->first, next->second));
      }
      EKYA_RETURN_IF_ERROR(streams_.Get(id).Start(start_));
    }
    return {};
  }

  /// Window after window, until the run is to stop; what it leaves behind.
  Result<window::RunRecord> Conduct(const std::vector<int>& devices, schedule::Policy& policy) {
    LiveWorld world(environment_, streams_, *box_.workers, hooks_, devices, *timeline_, start_);
    const window::ConductorSettings settings = SettingsOf(site_, static_cast<int>(devices.size()));
    window::Conductor conductor(settings, policy, world.ports());
    LiveWindows windows(streams_, conductor, *timeline_, world, recorder_, settings.window_seconds);
    window::RunRecord record = NewRecord(site_, options_, settings.devices);
    const Status status = Serve(world, windows, &record);
    recorder_.End();
    if (!status.ok()) return status.error();

    const double ended = timeline_->Now();
    for (const std::string& id : streams_.ids())
      record.streams.push_back(streams_.Get(id).Record());
    record.figures["accuracy_second_half"] = SecondHalf(streams_, ended);
    AddInterval(&record);
    world.Account(&record);
    return record;
  }

 private:
  std::vector<registry::StreamEntry> Entries() const {
    std::vector<registry::StreamEntry> entries;
    for (const std::string& id : streams_.ids()) {
      const CameraSettings& camera = streams_.Get(id).camera();
      entries.push_back({id, camera.task, camera.classes});
    }
    return entries;
  }

  /// Has `windows` conducted beside the threads that look after the run; then nothing plays any
  /// more.
  Status Serve(LiveWorld& world, LiveWindows& windows, window::RunRecord* record) {
    const double window_seconds = site_.compute.window_seconds;
    const int first_window = site_.learning.bootstrap_windows;
    WindowGrid grid(window_seconds, first_window);
    if (const auto& next = resumption_.next_window) grid.Begin(next->first, next->second);
    const int window = grid.WindowAt(resumption_.elapsed_seconds);
    std::atomic<int> live_window{1 + window - first_window};
    const Ticker ticker(streams_, world.trainer(), options_, live_window, clock_, start_,
                        resumption_.elapsed_seconds, window_seconds / kIntervalsPerWindow);
    const Watch watch(streams_, options_, *timeline_, world.profiling());
    Tell(options_.notifier, &resources::ServiceNotifier::Ready);
    Status status = windows.Run(window, grid, &live_window, record);
    Tell(options_.notifier, &resources::ServiceNotifier::Stopping);
    world.profiling().Release();
    for (const std::string& id : streams_.ids()) streams_.Get(id).Stop();
    if (status.ok()) windows.JudgeLast(record);
    return status;
  }

  const Site& site_;
  const LiveOptions& options_;
  Clock& clock_;
  const LiveBox box_;
  const registry::DataFolder folder_;
  Recorder recorder_;
  Result<registry::ModelStore> store_;
  const std::optional<registry::RunEntry> killed_;
  // Begins with the run; until then no camera plays and nothing is posted.
  std::unique_ptr<EventTimeline> timeline_;
  const StreamEnvironment environment_;
  WorkerHooks hooks_;
  StreamSet streams_;
  Resumption resumption_;
  double start_ = 0;  // second 0 on the clock, once begun
  std::optional<DiskReaper> reaper_;
};

}  // namespace

Result<window::RunRecord> RunLive(const Site& site, const LiveOptions& options) {
  EKYA_ASSIGN(const std::vector<int> devices,
              DeviceNumbers(site.compute, options.first_core, MachineDevices::Seen()));
  EKYA_ASSIGN(const auto policy, schedule::MakePolicy(options.scheduler));
  Clock& clock = MonotonicClock();
  EKYA_ASSIGN(LiveBox box, LiveBox::Hold(site, options, clock));
  LiveRun run(site, options, std::move(box), clock);
  EKYA_RETURN_IF_ERROR(run.Open());
  EKYA_RETURN_IF_ERROR(run.Begin());
  return run.Conduct(devices, *policy);
}

}  // namespace ekya::workers
