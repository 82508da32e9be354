// What a drawn frame costs. The share of one core that a camera at 15 frames a second takes is 15
// times it.
#include <benchmark/benchmark.h>

#include "stages/camera/scene_source.h"

namespace ekya::camera {
namespace {

/// Frames of a scene whose script runs at `speed`, backdrops included.
void Frames(benchmark::State& state) {
  CameraSettings settings;
  settings.id = "crossing";
  settings.url = "scene:intersection";
  settings.speed = static_cast<double>(state.range(0));
  const auto source = OpenScene(settings, 1);
  for (auto _ : state) benchmark::DoNotOptimize((*source)->Next());
}
// One day of drift in 240 s, and in 24 s.
BENCHMARK(Frames)->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond)->Iterations(1000);

}  // namespace
}  // namespace ekya::camera
