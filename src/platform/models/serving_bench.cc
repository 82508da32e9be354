// Processor time of one picture, batch 1, by LibTorch layer by layer and by the engine that serves:
// pairs whose ratio counts. One thread.
#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/engine.h"
#include "platform/models/served_classifier.h"

namespace ekya::models {
namespace {

void BM_Serve(benchmark::State& state, const char* architecture, bool engine) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.input_size = static_cast<int>(state.range(0));
  shape.width = static_cast<double>(state.range(1)) / 100;
  for (int i = 0; i < 10; ++i) shape.classes.push_back(std::to_string(i));
  const auto classifier = Classifier::Create(shape, 1);
  if (!classifier.ok()) {
    state.SkipWithError(classifier.error().message.c_str());
    return;
  }
  const std::shared_ptr<Model> model =
      engine ? MakeServed(**classifier) : std::shared_ptr<Model>((*classifier)->Clone());
  Frame frame;
  frame.image = {shape.input_size, shape.input_size, {}};
  Random random(1);
  for (int i = 0; i < 3 * shape.input_size * shape.input_size; ++i) {
    frame.image.pixels.push_back(static_cast<std::uint8_t>(random.Below(256)));
  }
  const auto side = static_cast<double>(shape.input_size);
  frame.regions = {{{0, 0, side, side}, {}, -1}};
  state.SetLabel(engine ? EngineName() : "LibTorch");
  while (state.KeepRunning()) {
    const double start = ThreadCpuSeconds();
    auto found = model->Analyze(frame, 0);
    if (!found.ok()) {
      state.SkipWithError(found.error().message.c_str());
      return;
    }
    benchmark::DoNotOptimize(*found);
    state.SetIterationTime(ThreadCpuSeconds() - start);
  }
}

// Input size, width in hundredths.
#define EKYA_SERVE(name, architecture, engine)            \
  BENCHMARK_CAPTURE(BM_Serve, name, architecture, engine) \
      ->Args({224, 100})                                  \
      ->Args({112, 100})                                  \
      ->Args({32, 25})                                    \
      ->UseManualTime()                                   \
      ->Unit(benchmark::kMillisecond)
EKYA_SERVE(resnet18_eager, "resnet18", false);
EKYA_SERVE(resnet18_engine, "resnet18", true);
EKYA_SERVE(mobilenetv2_eager, "mobilenetv2", false);
EKYA_SERVE(mobilenetv2_engine, "mobilenetv2", true);
EKYA_SERVE(shufflenetv2_eager, "shufflenetv2", false);
EKYA_SERVE(shufflenetv2_engine, "shufflenetv2", true);
EKYA_SERVE(efficientnet_b0_eager, "efficientnet-b0", false);
EKYA_SERVE(efficientnet_b0_engine, "efficientnet-b0", true);
#undef EKYA_SERVE

}  // namespace
}  // namespace ekya::models
