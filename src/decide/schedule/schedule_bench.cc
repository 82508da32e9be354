#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include "base/random.h"
#include "decide/schedule/bound.h"
#include "decide/schedule/policy.h"

/// Times whole decisions, tables included, on made-up situations of the paper's shape: 18
/// retraining configurations (epochs by depth) and five inference configurations per stream, 20
/// quanta a device.
namespace ekya::schedule {
namespace {

Situation Make(int streams, int devices) {
  Random random(static_cast<std::uint64_t>(streams) * 1000 + devices);
  Situation situation;
  situation.window_seconds = 200;
  situation.devices = devices;
  situation.quanta_per_device = 20;
  constexpr double kFactors[] = {0.44, 0.71, 0.853, 0.945, 1.0};
  for (int s = 0; s < streams; ++s) {
    StreamSituation stream;
    stream.id = fmt::format("stream-{:04}", s);
    stream.accuracy = random.Uniform(0.4, 0.85);
    for (int i = 0; i < 5; ++i) {
      stream.inference.push_back({fmt::format("share-{}", i + 1), 0.05 * (i + 1), kFactors[i]});
    }
    const double ceiling = stream.accuracy + random.Uniform(0, 0.9 - stream.accuracy);
    const double cost = random.Uniform(0.5, 2);
    for (int depth = 0; depth < 6; ++depth) {
      int epochs = 5;
      for (int i = 0; i < 3; ++i, epochs = epochs == 5 ? 15 : 30) {
        const double work = cost * epochs * (0.7 + 0.5 * depth);
        const double gain = work / (work + 15);
        stream.retraining.push_back(
            {fmt::format("{}/{}", depth, epochs),
             std::clamp(
                 stream.accuracy + (ceiling - stream.accuracy) * gain + 0.02 * random.Normal(), 0.0,
                 1.0),
             work, 0});
      }
    }
    situation.streams.push_back(std::move(stream));
  }
  return situation;
}

void Decide(benchmark::State& state, const std::string& policy) {
  const Situation situation =
      Make(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  const auto made = MakePolicy(policy);
  double value = 0;
  double gap = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Schedule schedule = (*made)->Decide(situation).value();
    value = schedule.mean_accuracy;
    gap = schedule.upper_bound.value_or(value) - value;
  }
  state.counters["mean_accuracy"] = value;
  state.counters["gap"] = gap;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  // Of the process so far: name one benchmark for its own.
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}

void PaperSizes(benchmark::internal::Benchmark* bench) {
  bench->Args({10, 8})->Unit(benchmark::kMicrosecond);
}
void Sizes(benchmark::internal::Benchmark* bench) {
  for (const auto& [streams, devices] :
       {std::pair{10, 1}, {10, 8}, {30, 8}, {100, 10}, {300, 30}, {1000, 100}}) {
    bench->Args({streams, devices});
  }
  bench->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(Decide, thief, "thief")->Apply(PaperSizes);
BENCHMARK_CAPTURE(Decide, uniform, "uniform")->Apply(PaperSizes);
BENCHMARK_CAPTURE(Decide, none, "none")->Apply(Sizes);
BENCHMARK_CAPTURE(Decide, exact, "exact")->Apply(Sizes);
BENCHMARK_CAPTURE(Decide, planner_without_bound, "planner:bound=0")->Apply(Sizes);
BENCHMARK_CAPTURE(Decide, planner, "planner")->Apply(Sizes);

}  // namespace
}  // namespace ekya::schedule
