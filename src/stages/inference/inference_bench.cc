// What serving costs beside the model: the job's queue and threads, the tracker and its lines.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include "core/scorer.h"
#include "stages/inference/event_log.h"
#include "stages/inference/inference_job.h"

namespace ekya::inference {
namespace {

class NoWork : public models::Model {
 public:
  const std::vector<std::string>& classes() const override { return classes_; }
  Result<std::vector<Detection>> Analyze(const Frame&, int) override {
    return std::vector<Detection>{};
  }

 private:
  const std::vector<std::string> classes_ = {"thing"};
};

/// `count` objects in a row that move by one pixel a frame.
std::vector<Detection> Row(int count, int frame) {
  std::vector<Detection> objects;
  for (int i = 0; i < count; ++i) {
    objects.push_back({{50.0 * i + frame, 10, 40, 40}, i % 3, 0.5 + 0.001 * i});
  }
  return objects;
}

void BM_JobFrame(benchmark::State& state) {
  models::ModelSlot slot;
  slot.Put({1, std::make_shared<NoWork>()});
  InferenceJob job("bench", slot, {});
  const auto frame = std::make_shared<const Frame>();
  for (auto _ : state) {
    job.Offer(frame);
    job.Drain();
  }
}
BENCHMARK(BM_JobFrame)->UseRealTime();

void BM_ScoreFrame(benchmark::State& state) {
  const int objects = static_cast<int>(state.range(0));
  const auto truth = Row(objects, 0);
  const auto found = Row(objects, 5);
  for (auto _ : state) benchmark::DoNotOptimize(ScoreFrame(found, truth, 0.3));
}
BENCHMARK(BM_ScoreFrame)->Arg(10)->Arg(50);

void BM_EventsFrame(benchmark::State& state) {
  const auto path =
      std::filesystem::temp_directory_path() / ("ekya-bench-" + std::to_string(::getpid()));
  auto log = EventLog::Open(path, "bench", {"person", "car", "bus"}, 0);
  if (!log.ok()) {
    state.SkipWithError(log.error().message.c_str());
    return;
  }
  int index = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto frame = std::make_shared<Frame>();
    frame->time_seconds = 0.04 * index;
    FrameResult result;
    result.frame = frame;
    result.detections = Row(static_cast<int>(state.range(0)), index++);
    state.ResumeTiming();
    (*log)->Add(result, 0);
  }
  std::filesystem::remove(path);
}
BENCHMARK(BM_EventsFrame)->Arg(10)->Arg(50);

}  // namespace
}  // namespace ekya::inference
