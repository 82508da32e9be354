#include "run/workers/live_threads.h"

#include <algorithm>

#include "base/log.h"

namespace ekya::workers {
namespace {

constexpr double kProgressSeconds = 0.5;
// Each stream's orders are asked of the registry and the store.
constexpr double kOrderSeconds = 1;
constexpr int kRecentIntervals = 5;
constexpr double kSecondsBetweenLooks = 0.1;

}  // namespace

Ticker::Ticker(const StreamSet& streams, LiveTrainer& trainer, const LiveOptions& options,
               const std::atomic<int>& window, Clock& clock, double start, double from,
               double interval)
    : streams_(streams),
      trainer_(trainer),
      options_(options),
      window_(window),
      clock_(clock),
      start_(start),
      interval_(interval),
      thread_([this, from] { Run(from); }) {}

Ticker::~Ticker() {
  stopping_ = true;
  thread_.join();
}

void Ticker::Run(double from) {
  double told = from - kProgressSeconds;
  double obeyed = from - kOrderSeconds;
  while (!stopping_) {
    const double next = from + interval_;
    const double now = clock_.Now() - start_;
    for (const std::string& id : streams_.ids()) streams_.Get(id).Look();
    trainer_.Look();
    if (options_.notifier != nullptr) {
      if (const Status told_alive = options_.notifier->Alive(now); !told_alive.ok()) {
        Log(LogLevel::kDebug, "", "{}", told_alive.error().message);
      }
    }
    if (now >= obeyed + kOrderSeconds) {
      for (const std::string& id : streams_.ids()) streams_.Get(id).Obey();
      obeyed = now;
    }
    if (now >= told + kProgressSeconds) {
      Tell(now);
      told = now;
    }
    if (now < next) {
      clock_.SleepUntil(start_ + std::min(next, now + kSecondsBetweenLooks));
      continue;
    }
    Close(from, next);
    from = next;
  }
  Close(from, std::max(from, clock_.Now() - start_));
}

void Ticker::Close(double from, double to) {
  for (const std::string& id : streams_.ids()) {
    const double cpu = trainer_.CpuSeconds(id);
    const double cores = to > from ? (cpu - retraining_cpu_[id]) / (to - from) : 0;
    retraining_cpu_[id] = cpu;
    streams_.Get(id).EndInterval(from, to, cores);
  }
}

void Ticker::Tell(double now) {
  LiveProgress progress;
  progress.elapsed_seconds = now;
  progress.total_seconds = options_.for_seconds;
  progress.window = window_;
  for (const std::string& id : streams_.ids()) {
    const Stream& stream = streams_.Get(id);
    const double cpu = trainer_.CpuSeconds(id);
    progress.streams.push_back(
        {id, stream.RecentAccuracy(kRecentIntervals), stream.gone(), cpu > told_cpu_[id]});
    told_cpu_[id] = cpu;
  }
  options_.progress(progress);
}

Watch::Watch(const StreamSet& streams, const LiveOptions& options, EventTimeline& timeline,
             ProfilingCompute& profiling)
    : streams_(streams),
      options_(options),
      timeline_(timeline),
      profiling_(profiling),
      thread_([this] { Run(); }) {}

Watch::~Watch() {
  stopping_ = true;
  thread_.join();
}

void Watch::Run() {
  Clock& clock = MonotonicClock();
  while (!stopping_) {
    const bool asked = options_.stop != nullptr && *options_.stop;
    const auto& ids = streams_.ids();
    const bool ended = std::all_of(
        ids.begin(), ids.end(), [this](const std::string& id) { return streams_.Get(id).ended(); });
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
    clock.SleepUntil(clock.Now() + kSecondsBetweenLooks);
  }
}

}  // namespace ekya::workers
