#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "platform/resources/share.h"

namespace ekya::resources {
namespace {

constexpr double kMinibatchSeconds = 0.005;

void Spin(double seconds) {
  const double until = ThreadCpuSeconds() + seconds;
  while (ThreadCpuSeconds() < until) {
  }
}

std::unique_ptr<ShareEnforcer> Enforcer(benchmark::State& state, const char* enforcement) {
  auto enforcer = MakeShareEnforcer(enforcement);
  if (!enforcer.ok()) {
    state.SkipWithError(enforcer.error().message.c_str());
    return nullptr;
  }
  return std::move(*enforcer);
}

/// What a job on one core really gets of the share that it was given (in percent of a core), and
/// how long one of its minibatches takes from the wall's point of view.
void BM_Share(benchmark::State& state, const char* enforcement) {
  const auto enforcer = Enforcer(state, enforcement);
  if (!enforcer) return;
  const double requested = static_cast<double>(state.range(0)) / 100;
  double measured = 0;
  std::vector<double> minibatches;
  for (auto _ : state) {
    const auto job = enforcer->MakeJob("bench");
    if (!job->Set(requested, 0).ok()) state.SkipWithError("the share was refused");
    std::thread thread([&] {
      if (!job->Join().ok()) return;
      for (double before = MonotonicClock().Now(); job->Checkpoint();) {
        Spin(kMinibatchSeconds);
        const double now = MonotonicClock().Now();
        minibatches.push_back(now - before);
        before = now;
      }
    });
    MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.2);
    const double used = job->CpuSeconds();
    const double start = MonotonicClock().Now();
    MonotonicClock().SleepUntil(start + 2);
    measured = (job->CpuSeconds() - used) / (MonotonicClock().Now() - start);
    job->Release();
    thread.join();
  }
  std::sort(minibatches.begin(), minibatches.end());
  state.counters["requested"] = requested;
  state.counters["measured"] = measured;
  state.counters["minibatch_p50_ms"] = 1e3 * minibatches[minibatches.size() / 2];
  state.counters["minibatch_p99_ms"] = 1e3 * minibatches[minibatches.size() * 99 / 100];
}
void Shares(benchmark::internal::Benchmark* bench) {
  for (const int percent : {10, 25, 50, 75, 90}) bench->Arg(percent);
  bench->Iterations(1)->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(BM_Share, pacing, "pacing")->Apply(Shares);
BENCHMARK_CAPTURE(BM_Share, cgroup, "cgroup")->Apply(Shares);

/// What a Checkpoint costs a job that may go on.
void BM_Checkpoint(benchmark::State& state, const char* enforcement) {
  const auto enforcer = Enforcer(state, enforcement);
  if (!enforcer) return;
  const auto job = enforcer->MakeJob("bench");
  std::thread thread([&] {
    if (!job->Set(1, -1).ok() || !job->Join().ok()) return;
    for (auto _ : state) benchmark::DoNotOptimize(job->Checkpoint());
  });
  thread.join();
}
BENCHMARK_CAPTURE(BM_Checkpoint, pacing, "pacing");
BENCHMARK_CAPTURE(BM_Checkpoint, cgroup, "cgroup");

}  // namespace
}  // namespace ekya::resources
