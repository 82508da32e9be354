#include "run/workers/live_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "decide/schedule/policy.h"
#include "decide/window/conductor.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/disk_budget.h"
#include "platform/registry/model_store.h"
#include "platform/registry/reaper.h"
#include "platform/resources/free_space.h"
#include "platform/resources/share.h"
#include "run/workers/event_timeline.h"
#include "run/workers/live_threads.h"
#include "run/workers/ports.h"
#include "run/workers/recorder.h"
#include "run/workers/stream.h"
#include "run/workers/stream_set.h"
#include "run/workers/thread_workers.h"
#include "run/workers/trainer.h"

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

/// A stream whose worker has been started.
struct OpeningStream {
  const CameraSettings* camera;
  const ModelSettings* model;
  std::unique_ptr<StreamService> service;
  std::shared_ptr<std::atomic<Stream*>> stream;  ///< Set once it is open; for hooks.

  static OpeningStream Begin(const CameraSettings& camera, const Site& site, WorkerHooks hooks,
                             Workers& workers) {
    const auto own = site.camera_models.find(camera.id);
    OpeningStream opening{&camera, own == site.camera_models.end() ? &site.model : &own->second,
                          nullptr, std::make_shared<std::atomic<Stream*>>(nullptr)};
    hooks.broken = [stream = opening.stream](std::int64_t version, const std::string& why) {
      if (Stream* const open = *stream) open->Quarantine(version, why);
    };
    opening.service = workers.MakeStream(camera, *opening.model, hooks);
    return opening;
  }

  Result<std::unique_ptr<Stream>> Open(bool resume, const StreamEnvironment& environment) {
    EKYA_ASSIGN(auto opened,
                Stream::Open(*camera, *model, resume, std::move(service), environment));
    *stream = opened.get();
    return opened;
  }
};

/// Trains the streams' first models, `at_once` side by side.
Status BootstrapAll(const StreamSet& streams, Workers& workers, const WorkerHooks& hooks,
                    int at_once) {
  std::mutex mutex;
  std::size_t next = 0;
  Status status;
  std::vector<std::thread> threads;
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&, i] {
      std::unique_ptr<LearningService> learning;
      while (true) {
        Stream* stream = nullptr;
        {
          std::lock_guard lock(mutex);
          if (next == streams.ids().size() || !status.ok()) return;
          stream = &streams.Get(streams.ids()[next++]);
        }
        if (!learning) {
          learning = workers.MakeLearning(fmt::format("bootstrap-{}", i), hooks);
          if (Status set = learning->SetShare(1, -1); !set.ok()) {
            Log(LogLevel::kWarning, "", "{}", set.error().message);
          }
        }
        const Status own = stream->Bootstrap(*learning);
        if (!own.ok()) {
          std::lock_guard lock(mutex);
          status = own;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return status;
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
    if (streams.Get(id).Record().accuracy_source != "golden") continue;
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

bool IsLive(const CameraSettings& camera) { return camera.url.starts_with("rtsp"); }

/// Opens all side by side: a camera that does not answer holds up nobody but itself.
Status OpenAll(std::vector<OpeningStream>& opening, bool resume, bool killed,
               const StreamEnvironment& environment, StreamSet* streams) {
  std::vector<Result<std::unique_ptr<Stream>>> opened;
  opened.reserve(opening.size());
  for (std::size_t i = 0; i < opening.size(); ++i) opened.emplace_back(std::unique_ptr<Stream>());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < opening.size(); ++i) {
    threads.emplace_back([&, i] {
      const bool goes_on = resume && (killed || IsLive(*opening[i].camera));
      opened[i] = opening[i].Open(goes_on, environment);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& stream : opened) {
    if (!stream.ok()) return stream.error();
    streams->Add(std::move(*stream));
  }
  return {};
}

/// Keeps other runs out of a data folder for as long as it lives.
class DataLock {
 public:
  static Result<DataLock> Take(const std::filesystem::path& data_dir) {
    std::error_code failed;
    std::filesystem::create_directories(data_dir, failed);
    const std::string file = (data_dir / "lock").string();
    const int handle = open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    // A folder that cannot be written is said so by what would be kept there.
    if (handle >= 0 && flock(handle, LOCK_EX | LOCK_NB) != 0) {
      close(handle);
      return Error{ErrorCode::kUnavailable,
                   file + ": is held by another run: one data folder, one run"};
    }
    return DataLock(handle);
  }
  DataLock(DataLock&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock() {
    if (handle_ >= 0) close(handle_);
  }

 private:
  explicit DataLock(int handle) : handle_(handle) {}
  int handle_;
};

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

}  // namespace

Result<window::RunRecord> RunLive(const Site& site, const LiveOptions& options) {
  const ComputeSettings& compute = site.compute;
  const std::filesystem::path& data_dir = options.data_dir;
  EKYA_ASSIGN(const std::vector<int> cores, CoresOf(compute, options.first_core));
  EKYA_ASSIGN(const auto policy, schedule::MakePolicy(options.scheduler));
  EKYA_ASSIGN(const DataLock lock, DataLock::Take(data_dir));
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer(compute.enforcement));

  Clock& clock = MonotonicClock();
  // Before this thread joins what serves: processes begin where it is.
  std::unique_ptr<Workers> workers =
      MakeThreadWorkers(site, options.seed, data_dir, clock, *enforcer);
  if (options.workers) {
    EKYA_ASSIGN(workers, options.workers());
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
  // Begins with the run; until then no camera plays and nothing is posted.
  std::unique_ptr<EventTimeline> timeline;
  const auto post = [&timeline](const window::Event& event) { timeline->Post(event); };
  const StreamEnvironment environment{
      site, options.seed, data_dir, clock, store.ok() ? &*store : nullptr, recorder, post};
  WorkerHooks hooks;
  hooks.event = [&recorder](const std::string& stream, const std::string& kind,
                            const std::string& detail) { recorder.Event(stream, kind, detail); };
  // All of them start side by side.
  std::vector<OpeningStream> opening;
  for (const CameraSettings& camera : site.cameras) {
    opening.push_back(OpeningStream::Begin(camera, site, hooks, *workers));
  }
  StreamSet streams;
  EKYA_RETURN_IF_ERROR(OpenAll(opening, options.resume, killed.has_value(), environment, &streams));
  const bool any_open = std::any_of(streams.ids().begin(), streams.ids().end(),
                                    [&](const std::string& id) { return !streams.Get(id).gone(); });
  if (!any_open) {
    return Error{ErrorCode::kUnavailable, "none of the site's cameras could be opened"};
  }
  Log(LogLevel::kInfo, "", "{}; shares are enforced by {}", workers->mechanism(),
      enforcer->mechanism());
  // Not in service yet: the whole machine may work on it.
  EKYA_RETURN_IF_ERROR(BootstrapAll(streams, *workers, hooks, resources::Processors()));

  const double window_seconds = compute.window_seconds;
  const double elapsed = killed ? std::max(0.0, EpochSeconds() - killed->started_seconds) : 0;
  const double start = clock.Now() - elapsed;
  if (killed) {
    recorder.Continue(*killed);
    Log(LogLevel::kInfo, "", "goes on with the run that was killed, {:.0f} s after its start",
        elapsed);
  } else {
    std::vector<registry::StreamEntry> entries;
    for (const std::string& id : streams.ids()) {
      const CameraSettings& camera = streams.Get(id).camera();
      entries.push_back({id, camera.task, camera.classes});
    }
    recorder.Begin(EpochSeconds(), options.scheduler, options.seed, window_seconds, entries);
  }
  std::optional<registry::DiskBudget> budget;
  std::unique_ptr<registry::Reaper> reaper;
  if (store.ok()) {
    budget.emplace(folder, *store, recorder.registry());
    reaper = StartReaper(&*budget, data_dir, site.server.max_bytes, recorder);
  }

  timeline = std::make_unique<EventTimeline>(clock, start);
  for (const std::string& id : streams.ids()) {
    EKYA_RETURN_IF_ERROR(streams.Get(id).Start(start));
  }
  ProfilingCompute profiling(*workers, hooks, cores, compute.device_cores,
                             compute.quanta_per_device);
  TrialModels trial_models;
  LearningPool pool(*workers, cores.size() + 1, hooks);
  LiveTrainer trainer(streams, trial_models, pool, compute.device_cores, options.seed, post);
  LiveMonitor monitor(streams);
  LiveLabels label_source(streams, profiling, resources::FreeSpace::Of(data_dir));
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
  {
    std::atomic<int> live_window{0};
    Ticker ticker(streams, trainer, options, live_window, clock, start, elapsed,
                  window_seconds / kIntervalsPerWindow);
    Watch watch(streams, options, *timeline, profiling);
    if (options.notifier != nullptr) {
      if (const Status told = options.notifier->Ready(); !told.ok()) {
        Log(LogLevel::kWarning, "", "{}", told.error().message);
      }
    }
    const auto passed = static_cast<int>(elapsed / window_seconds);
    live_window = passed;
    int window = site.learning.bootstrap_windows + passed;
    bool stopped = false;
    while (!stopped) {
      ++live_window;
      // Frames belong to windows by their time: a window that went on after a kill ends with
      // theirs.
      const bool first = killed && live_window == passed + 1;
      auto conducted = conductor.Run(
          window++, first ? std::optional((passed + 1) * window_seconds) : std::nullopt);
      if (!conducted.ok()) {
        status = conducted.error();
        break;
      }
      stopped = conducted->stopped;
      recorder.Window(*conducted);
      // Of this window and the one before it, whose labels may have come only now.
      for (const std::string& id : streams.ids()) {
        recorder.Accuracies(streams.Get(id).Record(), conducted->start_seconds - window_seconds,
                            streams.Get(id).versions());
      }
      record.windows.push_back(std::move(*conducted));
      // A policy that never retrains has asked for no labels.
      JudgeByGolden(streams, window - 2, pool, &record.warnings);
    }
    if (options.notifier != nullptr) {
      if (const Status told = options.notifier->Stopping(); !told.ok()) {
        Log(LogLevel::kWarning, "", "{}", told.error().message);
      }
    }
    profiling.Release();
    for (const std::string& id : streams.ids()) streams.Get(id).Stop();
    JudgeByGolden(streams, window - 1, pool, &record.warnings);
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
