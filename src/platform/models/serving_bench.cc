// Processor time of one picture, batch 1, by LibTorch layer by layer and by each engine alone, and
// of a version's load. One thread.
#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "base/random.h"
#include "platform/models/engine.h"
#include "platform/models/served_classifier.h"
#include "platform/models/torch_classifier.h"

namespace ekya::models {
namespace {

enum class By { kEager, kOnnxRuntime, kOneDnn, kOneDnnNarrow };

std::unique_ptr<TorchClassifier> MakeClassifier(const char* architecture, std::int64_t side,
                                                std::int64_t hundredths) {
  ClassifierShape shape;
  shape.architecture = architecture;
  shape.input_size = static_cast<int>(side);
  shape.width = static_cast<double>(hundredths) / 100;
  for (int i = 0; i < 10; ++i) shape.classes.push_back(std::to_string(i));
  auto classifier = Classifier::Create(shape, 1);
  if (!classifier.ok()) return nullptr;
  return std::unique_ptr<TorchClassifier>(dynamic_cast<TorchClassifier*>(classifier->release()));
}

Result<std::unique_ptr<Engine>> Open(TorchClassifier& classifier, By by) {
  Network& network = classifier.network();
  const int side = classifier.shape().input_size;
  switch (by) {
    case By::kOnnxRuntime:
      return OpenOnnxRuntime(classifier.ToOnnx(), 1);
    case By::kOneDnn:
      return OpenOneDnn(network.graph(), network.Store(), side, Precision::kFloat32);
    case By::kOneDnnNarrow:
      return OpenOneDnn(network.graph(), network.Store(), side, Precision::kBfloat16);
    default:
      return Error{ErrorCode::kUnavailable, "no engine of its own"};
  }
}

/// Times `work`, which answers with a Status, in processor seconds of this thread.
template <typename Work>
void TimeThread(benchmark::State& state, Work work) {
  while (state.KeepRunning()) {
    const double start = ThreadCpuSeconds();
    const Status done = work();
    if (!done.ok()) {
      state.SkipWithError(done.error().message.c_str());
      return;
    }
    state.SetIterationTime(ThreadCpuSeconds() - start);
  }
}

/// The forward pass alone, of numbers that are there.
void BM_ServeForward(benchmark::State& state, const char* architecture, By by) {
  const auto classifier = MakeClassifier(architecture, state.range(0), state.range(1));
  const auto pictures = torch::randn({1, 3, state.range(0), state.range(0)}, MakeGenerator(1));
  if (by == By::kEager) {
    ComputeWithOneThread();
    state.SetLabel("LibTorch, layer by layer");
    const torch::NoGradGuard no_grad;
    return TimeThread(state, [&]() -> Status {
      benchmark::DoNotOptimize(classifier->network().Forward(pictures));
      return {};
    });
  }
  const auto engine = Open(*classifier, by);
  if (!engine.ok()) return state.SkipWithError(engine.error().message.c_str());
  state.SetLabel((*engine)->name());
  TimeThread(state, [&]() -> Status {
    EKYA_ASSIGN(const auto found, (*engine)->Run(pictures.data_ptr<float>(), 1, state.range(0)));
    benchmark::DoNotOptimize(found);
    return {};
  });
}

/// An engine made ready, as for a version that takes the place of another one.
void BM_ServeLoad(benchmark::State& state, const char* architecture, By by) {
  const auto classifier = MakeClassifier(architecture, state.range(0), state.range(1));
  TimeThread(state, [&]() -> Status {
    EKYA_ASSIGN(const auto engine, Open(*classifier, by));
    state.SetLabel(engine->name());
    return {};
  });
}

// Input size, width in hundredths.
#define EKYA_SERVE(function, name, architecture, by)  \
  BENCHMARK_CAPTURE(function, name, architecture, by) \
      ->Args({224, 100})                              \
      ->Args({112, 100})                              \
      ->Args({32, 25})                                \
      ->UseManualTime()                               \
      ->Unit(benchmark::kMillisecond)
#define EKYA_SERVE_ALL(name, architecture)                                         \
  EKYA_SERVE(BM_ServeForward, name##_eager, architecture, By::kEager);             \
  EKYA_SERVE(BM_ServeForward, name##_onnxruntime, architecture, By::kOnnxRuntime); \
  EKYA_SERVE(BM_ServeForward, name##_onednn, architecture, By::kOneDnn);           \
  EKYA_SERVE(BM_ServeForward, name##_bfloat16, architecture, By::kOneDnnNarrow);   \
  EKYA_SERVE(BM_ServeLoad, name##_onnxruntime, architecture, By::kOnnxRuntime);    \
  EKYA_SERVE(BM_ServeLoad, name##_onednn, architecture, By::kOneDnn)
EKYA_SERVE_ALL(resnet18, "resnet18");
EKYA_SERVE_ALL(mobilenetv2, "mobilenetv2");
EKYA_SERVE_ALL(shufflenetv2, "shufflenetv2");
EKYA_SERVE_ALL(efficientnet_b0, "efficientnet-b0");
#undef EKYA_SERVE_ALL
#undef EKYA_SERVE

}  // namespace
}  // namespace ekya::models
