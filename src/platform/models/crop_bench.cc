// Processor time of a region cut out, scaled and normalised, as classifiers take it.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "platform/models/classifier.h"

namespace ekya::models {
namespace {

/// A region of 160 x 150 pixels at `state.range(0)` x `state.range(0)`.
void BM_CropToPlanes(benchmark::State& state) {
  Image image{640, 360, std::vector<std::uint8_t>(3U * 640 * 360)};
  Random random(3);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  const auto side = static_cast<std::size_t>(state.range(0));
  std::vector<float> planes(3 * side * side);
  while (state.KeepRunning()) {
    CropToPlanes(image, {200, 100, 160, 150}, static_cast<int>(side), planes.data());
    benchmark::DoNotOptimize(planes.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_CropToPlanes)->Arg(112)->Arg(224)->Arg(32)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ekya::models
