#include "apps/learning/shares_worker.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "apps/learning/process_cpu.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "core/site.h"
#include "platform/datasets/frame_file.h"
#include "run/processes/process_workers.h"

namespace ekya::learning {
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 256;  // Of one sample each.
constexpr int kSide = 32;
constexpr double kLongestStart = 60;
constexpr double kSteadySeconds = 0.6;
constexpr double kFelt = 0.5;  // As MeasureChanges.

void Sleep(double seconds) { MonotonicClock().SleepUntil(MonotonicClock().Now() + seconds); }

std::string SiteText(const std::string& enforcement) {
  return fmt::format(
      "compute: {{devices: [cpu:0], window: 200s, enforcement: {}}}\n"
      "model: {{architecture: resnet18, width: 0.25, input_size: {}}}\n"
      "cameras:\n"
      "  camera: {{url: \"scene:intersection\", classes: [dark, light]}}\n",
      enforcement, kSide);
}

/// Frames of noise with one region each, of two classes in turn.
Status WriteFrames(const std::string& file, std::uint64_t seed) {
  Random random(seed);
  datasets::KeptFrames kept;
  kept.seen = kFrames;
  for (int i = 0; i < kFrames; ++i) {
    auto frame = std::make_shared<Frame>();
    frame->index = i;
    frame->time_seconds = i;
    frame->image = {kSide, kSide, {}};
    frame->image.pixels.resize(std::size_t{3} * kSide * kSide);
    for (auto& value : frame->image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
    frame->regions = {{{0, 0, kSide, kSide}, i % 2, -1}};
    kept.frames.push_back(std::move(frame));
    kept.uncertainty.push_back(0.5);
  }
  return datasets::SaveFrames(file, kept);
}

class TrainingInWorker : public EndlessTraining {
 public:
  TrainingInWorker(std::unique_ptr<workers::Workers> workers, int batch_size)
      : workers_(std::move(workers)), batch_size_(batch_size) {
    workers::WorkerHooks hooks;
    hooks.event = [this](const std::string&, const std::string& kind, const std::string& detail) {
      if (kind != "worker started") return;
      process_ = std::atoi(detail.c_str() + detail.rfind(' ') + 1);  // "...: process 12"
      ++starts_;
    };
    service_ = workers_->MakeLearning("training", hooks);
  }
  ~TrainingInWorker() override {
    service_->Release();
    if (thread_.joinable()) thread_.join();
  }

  Status Begin(const fs::path& folder, std::uint64_t seed) {
    const workers::Pupil pupil{"camera", {"dark", "light"}};
    const std::string frames = (folder / "frames.safetensors").string();
    EKYA_RETURN_IF_ERROR(WriteFrames(frames, seed));
    EKYA_ASSIGN(const auto labels, service_->Label(pupil, 0, frames));
    EKYA_ASSIGN(const auto taken, service_->Take(pupil, 0, frames, labels.labels, std::nullopt));
    if (taken.samples < kFrames / 2) {
      return Error{ErrorCode::kFailed,
                   fmt::format("experiment shares: the worker took {} of {} samples", taken.samples,
                               kFrames)};
    }
    workers::TrainingJob job;
    job.pupil = pupil;
    job.configuration.id = "shares";
    job.configuration.epochs = 1'000'000;  // It is the measuring that ends it.
    job.configuration.batch_size = batch_size_;
    job.configuration.learning_rate = 0.001;
    job.most_held_out = 1;
    job.seed = seed;
    job.out = (folder / "trained.safetensors").string();
    EKYA_RETURN_IF_ERROR(Set(1));
    thread_ = std::thread([this, job] {
      const auto report = service_->Train(job);
      if (!report.ok()) failure_ = report.error();
      ended_ = true;
    });
    const double latest = MonotonicClock().Now() + kLongestStart;
    while (service_->Pulse().epochs < 2) {
      if (ended_) return failure_;
      if (MonotonicClock().Now() > latest) {
        return Error{ErrorCode::kUnavailable, "experiment shares: the worker does not train"};
      }
      Sleep(0.05);
    }
    return {};
  }

  Status Set(double share) override {
    if (ended_) return failure_.ok() ? Status{Error{ErrorCode::kFailed, "it has ended"}} : failure_;
    if (starts_ > 1) {
      return Error{ErrorCode::kFailed, "experiment shares: the worker was started again"};
    }
    return service_->SetShare(share, 0);
  }
  double CpuSeconds() const override { return ProcessCpuSeconds(process_); }

 private:
  const std::unique_ptr<workers::Workers> workers_;
  const int batch_size_;
  std::atomic<pid_t> process_ = 0;
  std::atomic<int> starts_ = 0;
  std::unique_ptr<workers::LearningService> service_;
  Status failure_;  // read when ended_
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EndlessTraining>> TrainInWorker(const std::string& enforcement,
                                                       const fs::path& folder, int batch_size,
                                                       std::uint64_t seed) {
  std::error_code code;
  fs::create_directories(folder, code);
  const fs::path site_file = folder / "site.yaml";
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(site_file, SiteText(enforcement)));
  EKYA_ASSIGN(auto workers,
              processes::MakeProcessWorkers({site_file, "site.yaml", folder, seed, "cpu:0"}));
  auto training = std::make_unique<TrainingInWorker>(std::move(workers), batch_size);
  EKYA_RETURN_IF_ERROR(training->Begin(folder, seed));
  return std::unique_ptr<EndlessTraining>(std::move(training));
}

Result<std::vector<ShareChange>> MeasureChangesFromOutside(
    EndlessTraining& training, std::vector<std::pair<double, double>> changes, std::uint64_t seed) {
  Random random(seed);
  random.Shuffle(changes);
  std::vector<ShareChange> measured;
  for (const auto& [from, to] : changes) {
    EKYA_RETURN_IF_ERROR(training.Set(from));
    Sleep(kSteadySeconds + 0.1 * random.Uniform());
    const double time = MonotonicClock().Now();
    const double before = training.CpuSeconds();
    EKYA_RETURN_IF_ERROR(training.Set(to));
    Sleep(kFelt);
    const double used = training.CpuSeconds() - before;
    const double expected = to * (MonotonicClock().Now() - time);
    measured.push_back({from, to, (used - expected) / (from - to), 0});
  }
  return measured;
}

}  // namespace ekya::learning
