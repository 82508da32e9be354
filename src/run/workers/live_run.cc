#include "run/workers/live_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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
#include "run/workers/event_timeline.h"
#include "run/workers/live_threads.h"
#include "run/workers/opening.h"
#include "run/workers/ports.h"
#include "run/workers/recorder.h"
#include "run/workers/stream.h"
#include "run/workers/stream_set.h"
#include "run/workers/thread_workers.h"
#include "run/workers/trainer.h"
#include "run/workers/window_grid.h"

namespace ekya::workers {
namespace {

// Results are pooled over so many intervals a window.
constexpr int kIntervalsPerWindow = 30;
// The part of a window that trials may take.
constexpr double kLongestProfiling = 0.4;

Result<std::vector<int>> CoresOf(const ComputeSettings& compute, int first_core) {
  const int processors = resources::Processors();
  std::vector<int> cores;
  for (const std::string& device : compute.devices) {
    int core = -1;
    const std::string prefix = "cpu:";
    const bool known = device.starts_with(prefix);
    if (known) std::from_chars(device.data() + prefix.size(), device.data() + device.size(), core);
    if (core < 0) {
      return Error{ErrorCode::kInvalid,
                   "compute.devices: found \"" + device + "\", expected cpu:0, cpu:1, ..."};
    }
    if (core >= processors) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("compute.devices: found \"{}\", expected one of the processors that "
                               "this process may use, cpu:0 to cpu:{}",
                               device, processors - 1)};
    }
    cores.push_back((core + first_core) % processors);
  }
  return cores;
}

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

/// Where the golden model is the judge: has it say what `window`'s frames showed. Does nothing
/// where that has been done, as it is for what is trained on.
void JudgeByGolden(const StreamSet& streams, int window, LearningPool& pool,
                   std::vector<std::string>* warnings) {
  std::unique_ptr<LearningService> learning;
  for (const std::string& id : streams.ids()) {
    if (!streams.Get(id).judged_by_golden()) continue;
    if (!learning) {
      learning = pool.Take();
      if (const Status set = learning->SetShare(1, -1); !set.ok()) {
        warnings->push_back(set.error().message);
      }
    }
    auto labelled = streams.Get(id).Label(window, *learning);
    if (!labelled.ok()) warnings->push_back(id + ": " + labelled.error().message);
  }
  if (learning) pool.Give(std::move(learning));
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

/// Removes what is too much in the data folder, and says so in the registry.
std::unique_ptr<registry::Reaper> StartReaper(registry::DiskBudget* budget,
                                              const std::filesystem::path& data_dir,
                                              std::uint64_t max_bytes, Recorder& recorder) {
  registry::ReaperOptions options;
  options.max_bytes = max_bytes;
  if (const auto space = resources::SpaceAt(data_dir); space.ok()) {
    // Room to go on sampling, or what is low once would be low for ever.
    options.keep_free = resources::MarksFor(space->total_bytes).enough_bytes;
  }
  return std::make_unique<registry::Reaper>(
      budget, options, [&recorder](const registry::Reaped& reaped) {
        const std::string what =
            reaped.gone.empty() ? "nothing more may go" : registry::Describe(reaped.gone);
        Log(reaped.enough ? LogLevel::kInfo : LogLevel::kWarning, "", "disk budget: {}", what);
        recorder.Event("", reaped.enough ? "disk reaped" : "disk full", what);
      });
}

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

/// Since when a run goes on, and with which windows.
struct Resumption {
  double elapsed_seconds = 0;  ///< Since the run's second 0.
  /// The window that begins after the last whole one, and when that one ended; none: the first has
  /// not ended.
  std::optional<std::pair<int, double>> next_window;
};

/// How `killed`, which `recorder` goes on with, stands.
Resumption Resume(const registry::RunEntry& killed, Recorder& recorder) {
  Resumption resumption;
  resumption.elapsed_seconds = recorder.Elapsed();
  const auto windows = recorder.registry()->Windows(1, std::nullopt);
  if (windows.ok() && !windows->empty() && windows->front().run == killed.id) {
    resumption.next_window = {windows->front().window + 1,
                              windows->front().end_seconds - killed.started_seconds};
  }
  return resumption;
}

/// One window after another, until the run is to stop.
class Windows {
 public:
  Windows(const StreamSet& streams, window::Conductor& conductor, EventTimeline& timeline,
          LearningPool& pool, Recorder& recorder, double window_seconds)
      : streams_(streams),
        conductor_(conductor),
        timeline_(timeline),
        pool_(pool),
        recorder_(recorder),
        window_seconds_(window_seconds) {}

  /// From `window` on, which lasts until `grid` says. `live_window` is that window's number among
  /// the live ones, from 1, and stays so.
  Status Run(int window, WindowGrid grid, std::atomic<int>* live_window,
             window::RunRecord* record) {
    const int before_the_first = window - *live_window;
    while (true) {
      // Frames belong to windows by their time: what overran into the next has it shortened.
      auto conducted = conductor_.Run(window, grid.StartOf(window + 1));
      if (!conducted.ok()) return conducted.error();
      const bool stopped = conducted->stopped;
      const bool ended_early = !conducted->ended_early.empty();
      Keep(std::move(*conducted), record);
      // A policy that never retrains has asked for no labels.
      JudgeByGolden(streams_, window - 1, pool_, &record->warnings);
      if (stopped) break;
      const double now = timeline_.Now();
      if (ended_early) {
        grid.Begin(window + 1, now);
        BeginEarly(window + 1, now);
      }
      window = std::max(window + 1, grid.WindowAt(now));
      *live_window = window - before_the_first;
    }
    last_ = window;
    return {};
  }

  /// The last one that was conducted.
  int last() const { return last_; }

 private:
  void Keep(window::WindowRecord conducted, window::RunRecord* record) {
    recorder_.Window(conducted);
    // Of this window and the one before it, whose labels may have come only now.
    for (const std::string& id : streams_.ids()) {
      recorder_.Accuracies(streams_.Get(id).Record(), conducted.start_seconds - window_seconds_,
                           streams_.Get(id).versions());
    }
    record->windows.push_back(std::move(conducted));
  }

  void BeginEarly(int window, double from) {
    for (const std::string& id : streams_.ids()) {
      if (const Status told = streams_.Get(id).BeginWindow(window, from); !told.ok()) {
        Log(LogLevel::kWarning, id, "{}", told.error().message);
      }
    }
  }

  const StreamSet& streams_;
  window::Conductor& conductor_;
  EventTimeline& timeline_;
  LearningPool& pool_;
  Recorder& recorder_;
  const double window_seconds_;
  int last_ = 0;
};

}  // namespace

Result<window::RunRecord> RunLive(const Site& site, const LiveOptions& options) {
  const ComputeSettings& compute = site.compute;
  const std::filesystem::path& data_dir = options.data_dir;
  EKYA_ASSIGN(const std::vector<int> cores, CoresOf(compute, options.first_core));
  EKYA_ASSIGN(const auto policy, schedule::MakePolicy(options.scheduler));
  EKYA_ASSIGN(const registry::DataLock lock, registry::DataLock::Take(data_dir));
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer(compute.enforcement));

  Clock& clock = MonotonicClock();
  // Before this thread joins what serves: processes begin where it is.
  std::unique_ptr<Workers> workers;
  if (options.workers) {
    EKYA_ASSIGN(workers, options.workers());
  } else {
    workers = MakeThreadWorkers(site, options.seed, data_dir, clock, *enforcer);
  }
  if (const Status joined = enforcer->JoinService(); !joined.ok()) {
    Log(LogLevel::kWarning, "", "cameras may lag behind: {}", joined.error().message);
  }

  const registry::DataFolder folder(data_dir);
  Recorder recorder(folder.Registry());
  auto store = registry::ModelStore::Open(folder.Models());
  if (!store.ok()) Log(LogLevel::kWarning, "", "models are not kept: {}", store.error().message);
  auto killed = options.resume ? recorder.Killed() : std::nullopt;
  // Another scheduler's or seed's run is not this one: its models may have seen what this one is
  // judged by.
  if (killed && (killed->scheduler != options.scheduler || killed->seed != options.seed)) {
    killed.reset();
  }
  // From here on what is recorded is of that run.
  if (killed) recorder.Continue(*killed);
  // Begins with the run; until then no camera plays and nothing is posted.
  std::unique_ptr<EventTimeline> timeline;
  const auto post = [&timeline](const window::Event& event) { timeline->Post(event); };
  const StreamEnvironment environment{
      site, options.seed, data_dir, clock, store.ok() ? &*store : nullptr, recorder, post};
  WorkerHooks hooks;
  hooks.event = [&recorder](const std::string& stream, const std::string& kind,
                            const std::string& detail) { recorder.Event(stream, kind, detail); };
  StreamSet streams;
  EKYA_RETURN_IF_ERROR(
      OpenStreams(options.resume, killed.has_value(), environment, *workers, hooks, &streams));
  Log(LogLevel::kInfo, "", "{}; shares are enforced by {}", workers->mechanism(),
      enforcer->mechanism());
  EKYA_RETURN_IF_ERROR(TrainFirstModels(streams, *workers, hooks, resources::Processors()));

  const double window_seconds = compute.window_seconds;
  const int first_window = site.learning.bootstrap_windows;
  WindowGrid grid(window_seconds, first_window);
  Resumption resumption;
  if (killed) {
    resumption = Resume(*killed, recorder);
    Log(LogLevel::kInfo, "", "goes on with the run that was killed, {:.0f} s after its start",
        resumption.elapsed_seconds);
  } else {
    std::vector<registry::StreamEntry> entries;
    for (const std::string& id : streams.ids()) {
      const CameraSettings& camera = streams.Get(id).camera();
      entries.push_back({id, camera.task, camera.classes});
    }
    recorder.Begin(EpochSeconds(), options.scheduler, options.seed, window_seconds, entries);
  }
  const double start = clock.Now() - resumption.elapsed_seconds;
  std::optional<registry::DiskBudget> budget;
  std::unique_ptr<registry::Reaper> reaper;
  if (store.ok()) {
    budget.emplace(folder, *store, recorder.registry());
    reaper = StartReaper(&*budget, data_dir, site.server.max_bytes, recorder);
  }

  timeline = std::make_unique<EventTimeline>(clock, start);
  if (const auto& next = resumption.next_window) grid.Begin(next->first, next->second);
  for (const std::string& id : streams.ids()) {
    if (const auto& next = resumption.next_window) {
      EKYA_RETURN_IF_ERROR(streams.Get(id).BeginWindow(next->first, next->second));
    }
    EKYA_RETURN_IF_ERROR(streams.Get(id).Start(start));
  }
  ProfilingCompute profiling(*workers, hooks, cores, compute.device_cores,
                             compute.quanta_per_device);
  TrialModels trial_models;
  LearningPool pool(*workers, cores.size() + 1, hooks);
  LiveTrainer trainer(streams, trial_models, pool, compute.device_cores, options.seed, post);
  LiveMonitor monitor(streams);
  LiveLabels label_source(streams, profiling, start, resources::FreeSpace::Of(data_dir));
  LiveTrialRunner trials(streams, trial_models, profiling, clock, compute.device_cores,
                         kLongestProfiling * window_seconds, options.seed);
  window::RunRecord record;
  LiveSwapper swapper(streams, trainer, [&](const std::string& stream, std::int64_t version) {
    record.swaps.push_back({timeline->Now(), stream, version});
  });
  LiveAllocations allocations(streams, trainer, profiling, cores, compute.device_cores,
                              compute.quanta_per_device);
  LiveDrift drift(streams);
  const window::ConductorSettings settings = SettingsOf(site, static_cast<int>(cores.size()));
  window::Conductor conductor(
      settings, *policy,
      {*timeline, monitor, label_source, trials, trainer, swapper, allocations, &drift});

  record.scheduler = options.scheduler;
  record.seed = options.seed;
  record.devices = settings.devices;
  record.device_cores = compute.device_cores;
  record.quanta_per_device = compute.quanta_per_device;
  record.window_seconds = window_seconds;

  Status status;
  Windows windows(streams, conductor, *timeline, pool, recorder, window_seconds);
  {
    const int window = grid.WindowAt(resumption.elapsed_seconds);
    std::atomic<int> live_window{1 + window - first_window};
    Ticker ticker(streams, trainer, options, live_window, clock, start, resumption.elapsed_seconds,
                  window_seconds / kIntervalsPerWindow);
    Watch watch(streams, options, *timeline, profiling);
    if (options.notifier != nullptr) {
      if (const Status told = options.notifier->Ready(); !told.ok()) {
        Log(LogLevel::kWarning, "", "{}", told.error().message);
      }
    }
    status = windows.Run(window, grid, &live_window, &record);
    if (options.notifier != nullptr) {
      if (const Status told = options.notifier->Stopping(); !told.ok()) {
        Log(LogLevel::kWarning, "", "{}", told.error().message);
      }
    }
    profiling.Release();
    for (const std::string& id : streams.ids()) streams.Get(id).Stop();
    if (status.ok()) JudgeByGolden(streams, windows.last(), pool, &record.warnings);
  }
  recorder.End();
  if (!status.ok()) return status.error();

  const double ended = timeline->Now();
  for (const std::string& id : streams.ids()) {
    record.streams.push_back(streams.Get(id).Record());
    record.inference_device_seconds += streams.Get(id).CpuSeconds() / compute.device_cores;
    record.retraining_device_seconds += trainer.CpuSeconds(id) / compute.device_cores;
  }
  record.figures["accuracy_second_half"] = SecondHalf(streams, ended);
  AddInterval(&record);
  record.labelling_device_seconds = label_source.cpu_seconds() / compute.device_cores;
  record.profiling_device_seconds =
      profiling.CpuSeconds() / compute.device_cores - record.labelling_device_seconds;
  return record;
}

}  // namespace ekya::workers
