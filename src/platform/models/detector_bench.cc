// Processor time of one frame by the detectors of shared/models, on one thread.
#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/detector.h"

namespace ekya::models {
namespace {

/// Noise: what a picture shows does not matter, only its size.
Frame Noise(int width, int height) {
  Frame frame;
  frame.image.width = width;
  frame.image.height = height;
  Random random(1);
  for (int i = 0; i < 3 * width * height; ++i) {
    frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
  }
  return frame;
}

void BM_Detect(benchmark::State& state, const char* network) {
  const auto path = std::filesystem::path(EKYA_SHARED_DIR) / "models" / network;
  auto detector = OpenDetector(path, CocoNames(), {});
  if (!detector.ok()) {
    state.SkipWithError(detector.error().message.c_str());
    return;
  }
  const Frame frame = Noise(640, 352);
  const int input_size = static_cast<int>(state.range(0));
  while (state.KeepRunning()) {
    const double start = ThreadCpuSeconds();
    auto found = (*detector)->Analyze(frame, input_size);
    if (!found.ok()) {
      state.SkipWithError(found.error().message.c_str());
      return;
    }
    benchmark::DoNotOptimize(*found);
    state.SetIterationTime(ThreadCpuSeconds() - start);
  }
}

BENCHMARK_CAPTURE(BM_Detect, yolo_fastest, "yolo-fastest-1.1.cfg")
    ->Arg(320)
    ->Arg(224)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Detect, yolo_fastest_xl, "yolo-fastest-1.1-xl.cfg")
    ->Arg(320)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Detect, yolox_nano, "yolox_nano.onnx")
    ->Arg(416)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ekya::models
