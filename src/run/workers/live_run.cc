#include "run/workers/live_run.h"

#include <fmt/format.h>

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
#include "platform/registry/model_store.h"
#include "platform/resources/share.h"
#include "run/workers/event_timeline.h"
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
constexpr double kProgressSeconds = 0.5;
constexpr int kRecentIntervals = 5;
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

/// Closes the streams' intervals and tells of the progress, twice a second or so.
class Ticker {
 public:
  Ticker(const StreamSet& streams, LiveTrainer& trainer, const LiveOptions& options,
         const std::atomic<int>& window, Clock& clock, double start, double interval)
      : streams_(streams),
        trainer_(trainer),
        options_(options),
        window_(window),
        clock_(clock),
        start_(start),
        interval_(interval),
        thread_([this] { Run(); }) {}
  ~Ticker() {
    stopping_ = true;
    thread_.join();
  }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

 private:
  void Run() {
    double from = 0;
    double told = -kProgressSeconds;
    while (!stopping_) {
      const double next = from + interval_;
      const double now = clock_.Now() - start_;
      for (const std::string& id : streams_.ids()) streams_.Get(id).Look();
      trainer_.Look();
      if (now >= told + kProgressSeconds) {
        for (const std::string& id : streams_.ids()) streams_.Get(id).Obey();
        Tell(now);
        told = now;
      }
      if (now < next) {
        clock_.SleepUntil(start_ + std::min(next, now + 0.05));
        continue;
      }
      Close(from, next);
      from = next;
    }
    Close(from, std::max(from, clock_.Now() - start_));
  }

  void Close(double from, double to) {
    for (const std::string& id : streams_.ids()) {
      const double cpu = trainer_.CpuSeconds(id);
      const double cores = to > from ? (cpu - retraining_cpu_[id]) / (to - from) : 0;
      retraining_cpu_[id] = cpu;
      streams_.Get(id).EndInterval(from, to, cores);
    }
  }

  void Tell(double now) {
    LiveProgress progress;
    progress.elapsed_seconds = now;
    progress.total_seconds = options_.for_seconds;
    progress.window = window_;
    for (const std::string& id : streams_.ids()) {
      const Stream& stream = streams_.Get(id);
      progress.streams.push_back({id, stream.RecentAccuracy(kRecentIntervals), stream.gone(),
                                  trainer_.CpuSeconds(id) > told_cpu_[id]});
      told_cpu_[id] = trainer_.CpuSeconds(id);
    }
    options_.progress(progress);
  }

  const StreamSet& streams_;
  LiveTrainer& trainer_;
  const LiveOptions& options_;
  const std::atomic<int>& window_;
  Clock& clock_;
  const double start_;
  const double interval_;
  std::map<std::string, double> retraining_cpu_;
  std::map<std::string, double> told_cpu_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: begins with everything else in place
};

/// Posts kStop when the caller's flag is set, the time is up, or every source has ended.
class Watch {
 public:
  Watch(const StreamSet& streams, const LiveOptions& options, EventTimeline& timeline,
        ProfilingCompute& profiling)
      : streams_(streams),
        options_(options),
        timeline_(timeline),
        profiling_(profiling),
        thread_([this] { Run(); }) {}
  ~Watch() {
    stopping_ = true;
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void Run() {
    Clock& clock = MonotonicClock();
    while (!stopping_) {
      const bool asked = options_.stop != nullptr && *options_.stop;
      const auto& ids = streams_.ids();
      const bool ended = std::all_of(ids.begin(), ids.end(), [this](const std::string& id) {
        return streams_.Get(id).ended();
      });
      const bool over = options_.for_seconds > 0 && timeline_.Now() >= options_.for_seconds;
      if (asked || ended || over) {
        timeline_.Post({window::Event::Kind::kStop, "",
                        asked   ? "asked to stop"
                        : ended ? "every source has ended"
                                : "the time is up"});
        // Trials under way end at their next minibatch.
        profiling_.Release();
        return;
      }
      clock.SleepUntil(clock.Now() + 0.05);
    }
  }

  const StreamSet& streams_;
  const LiveOptions& options_;
  EventTimeline& timeline_;
  ProfilingCompute& profiling_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: begins with everything else in place
};

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
    hooks.broken = [stream = opening.stream](std::int64_t version) {
      if (Stream* const open = *stream) open->Quarantine(version);
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

}  // namespace

Result<window::RunRecord> RunLive(const Site& site, const LiveOptions& options) {
  const ComputeSettings& compute = site.compute;
  EKYA_ASSIGN(const std::vector<int> cores, CoresOf(compute, options.first_core));
  EKYA_ASSIGN(const auto policy, schedule::MakePolicy(options.scheduler));
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer(compute.enforcement));

  Clock& clock = MonotonicClock();
  // Before this thread joins what serves: processes begin where it is.
  std::unique_ptr<Workers> workers =
      MakeThreadWorkers(site, options.seed, options.out, clock, *enforcer);
  if (options.workers) {
    EKYA_ASSIGN(workers, options.workers());
  }
  if (const Status joined = enforcer->JoinService(); !joined.ok()) {
    Log(LogLevel::kWarning, "", "cameras may lag behind: {}", joined.error().message);
  }

  const std::filesystem::path data_dir =
      site.server.data_dir.empty() ? options.out : std::filesystem::path(site.server.data_dir);
  Recorder recorder(data_dir / "registry.db");
  auto store = registry::ModelStore::Open(data_dir / "models");
  if (!store.ok()) Log(LogLevel::kWarning, "", "models are not kept: {}", store.error().message);
  // Begins with the run; until then no camera plays and nothing is posted.
  std::unique_ptr<EventTimeline> timeline;
  const auto post = [&timeline](const window::Event& event) { timeline->Post(event); };
  const StreamEnvironment environment{
      site, options.seed, options.out, clock, store.ok() ? &*store : nullptr, recorder, post};
  WorkerHooks hooks;
  hooks.event = [&recorder](const std::string& stream, const std::string& kind,
                            const std::string& detail) { recorder.Event(stream, kind, detail); };
  // All of them start side by side.
  std::vector<OpeningStream> opening;
  for (const CameraSettings& camera : site.cameras) {
    opening.push_back(OpeningStream::Begin(camera, site, hooks, *workers));
  }
  StreamSet streams;
  bool any_open = false;
  for (OpeningStream& each : opening) {
    EKYA_ASSIGN(auto stream, each.Open(/*resume=*/false, environment));
    any_open = any_open || !stream->gone();
    streams.Add(std::move(stream));
  }
  if (!any_open) {
    return Error{ErrorCode::kUnavailable, "none of the site's cameras could be opened"};
  }
  Log(LogLevel::kInfo, "", "{}; shares are enforced by {}", workers->mechanism(),
      enforcer->mechanism());
  // Not in service yet: the whole machine may work on it.
  EKYA_RETURN_IF_ERROR(BootstrapAll(streams, *workers, hooks, resources::Processors()));

  const double start = clock.Now();
  std::vector<registry::StreamEntry> entries;
  for (const std::string& id : streams.ids()) {
    const CameraSettings& camera = streams.Get(id).camera();
    entries.push_back({id, camera.task, camera.classes});
  }
  recorder.Begin(EpochSeconds(), options.scheduler, options.seed, compute.window_seconds, entries);
  timeline = std::make_unique<EventTimeline>(clock, start);
  ProfilingCompute profiling(*workers, hooks, cores, compute.device_cores,
                             compute.quanta_per_device);
  TrialModels trial_models;
  LearningPool pool(*workers, cores.size() + 1, hooks);
  LiveTrainer trainer(streams, trial_models, pool, compute.device_cores, options.seed, post);
  LiveMonitor monitor(streams);
  LiveLabels label_source(streams, profiling);
  LiveTrialRunner trials(streams, trial_models, profiling, clock, compute.device_cores,
                         kLongestProfiling * compute.window_seconds, options.seed);
  window::RunRecord record;
  LiveSwapper swapper(streams, trainer, [&](const std::string& stream, std::int64_t version) {
    record.swaps.push_back({timeline->Now(), stream, version});
  });
  LiveAllocations allocations(streams, trainer, profiling, cores, compute.device_cores,
                              compute.quanta_per_device);

  window::ConductorSettings settings;
  settings.window_seconds = compute.window_seconds;
  settings.devices = static_cast<int>(cores.size());
  settings.quanta_per_device = compute.quanta_per_device;
  settings.accuracy_floor = compute.accuracy_floor;
  settings.gated = true;
  settings.retraining =
      site.learning.retraining.empty() ? DefaultRetrainingGrid() : site.learning.retraining;
  settings.profiling.sample_fraction = site.learning.profiling_fraction;
  settings.profiling.epochs = site.learning.profiling_epochs;
  settings.weigh_trials = site.learning.weigh_trials;
  window::Conductor conductor(
      settings, *policy, {*timeline, monitor, label_source, trials, trainer, swapper, allocations});

  record.scheduler = options.scheduler;
  record.seed = options.seed;
  record.devices = settings.devices;
  record.device_cores = compute.device_cores;
  record.quanta_per_device = compute.quanta_per_device;
  record.window_seconds = compute.window_seconds;

  Status status;
  {
    std::atomic<int> live_window{0};
    for (const std::string& id : streams.ids()) {
      EKYA_RETURN_IF_ERROR(streams.Get(id).Start(start));
    }
    Ticker ticker(streams, trainer, options, live_window, clock, start,
                  compute.window_seconds / kIntervalsPerWindow);
    Watch watch(streams, options, *timeline, profiling);
    int window = site.learning.bootstrap_windows;
    bool stopped = false;
    while (!stopped) {
      ++live_window;
      auto conducted = conductor.Run(window++);
      if (!conducted.ok()) {
        status = conducted.error();
        break;
      }
      stopped = conducted->stopped;
      recorder.Window(*conducted);
      // Of this window and the one before it, whose labels may have come only now.
      for (const std::string& id : streams.ids()) {
        recorder.Accuracies(streams.Get(id).Record(),
                            conducted->start_seconds - compute.window_seconds,
                            streams.Get(id).versions());
      }
      record.windows.push_back(std::move(*conducted));
      // A policy that never retrains has asked for no labels.
      JudgeByGolden(streams, window - 2, pool, &record.warnings);
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
