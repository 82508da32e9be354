#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "base/random.h"
#include "platform/models/classifier.h"
#include "stages/retrain/retrainer.h"

namespace ekya::retrain {
namespace {

constexpr int kSide = 32;

std::unique_ptr<models::Classifier> MakeModel(std::int64_t width_in_thousandths) {
  models::ClassifierShape shape;
  shape.width = static_cast<double>(width_in_thousandths) / 1000;
  shape.input_size = kSide;
  shape.classes = {"free", "busy"};
  return std::move(*models::Classifier::Create(shape, 1));
}

std::vector<Sample> MakeSamples(int count) {
  Random random(1);
  std::vector<Sample> samples(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].image = {kSide, kSide, {}};
    samples[i].image.pixels.resize(3 * kSide * kSide);
    for (auto& value : samples[i].image.pixels)
      value = static_cast<std::uint8_t>(random.Below(256));
    samples[i].label = static_cast<int>(i % 2);
    samples[i].time_seconds = static_cast<double>(i);
  }
  return samples;
}

/// Images a second of one training epoch, augmentation included. Arguments: width in thousandths,
/// stages trained.
void BM_Train(benchmark::State& state) {
  const auto model = MakeModel(state.range(0));
  TrainingSet set;
  set.training = MakeSamples(320);
  RetrainingConfiguration configuration;
  configuration.epochs = 1;
  configuration.trained_stages = static_cast<int>(state.range(1));
  for (auto _ : state) {
    if (!Train(*model, set, configuration, 1, {}).ok()) state.SkipWithError("training failed");
  }
  state.SetItemsProcessed(state.iterations() * 320);
  state.counters["weights"] = static_cast<double>(model->parameters());
}
BENCHMARK(BM_Train)->ArgsProduct({{42, 62, 250}, {1, 3, 5}})->Unit(benchmark::kMillisecond);

/// What the ends of the default grid's 18 configurations cost, held-out samples measured after each
/// epoch: `span` is the dearest (30 epochs of everything) by the cheapest (5 of the head on half of
/// the samples).
void BM_DefaultGrid(benchmark::State& state) {
  const auto model = MakeModel(125);
  const TrainingSet set = SplitByTime(MakeSamples(300), 0.35, {});
  const auto grid = DefaultRetrainingGrid();
  double cheapest = 0;
  double dearest = 0;
  for (auto _ : state) {
    const auto first = Train(*model, set, grid.front(), 1, {});
    const auto last = Train(*model, set, grid.back(), 1, {});
    if (!first.ok() || !last.ok()) return state.SkipWithError("training failed");
    cheapest = first->cpu_seconds;
    dearest = last->cpu_seconds;
  }
  state.counters["cheapest_seconds"] = cheapest;
  state.counters["dearest_seconds"] = dearest;
  state.counters["span"] = dearest / cheapest;
}
BENCHMARK(BM_DefaultGrid)->Unit(benchmark::kSecond)->Iterations(1);

/// Images a second of serving. Arguments: width in thousandths, crops at once.
void BM_Classify(benchmark::State& state) {
  const auto model = MakeModel(state.range(0));
  const auto samples = MakeSamples(static_cast<int>(state.range(1)));
  std::vector<const Image*> crops;
  for (const auto& sample : samples) crops.push_back(&sample.image);
  for (auto _ : state) {
    if (!model->Classify(crops, 0).ok()) state.SkipWithError("classifying failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(BM_Classify)->ArgsProduct({{42, 62, 250}, {1, 17, 32}})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ekya::retrain
