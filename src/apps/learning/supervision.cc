#include "apps/learning/supervision.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/process_cpu.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/clock.h"
#include "base/file.h"
#include "core/site.h"
#include "platform/registry/data_folder.h"
#include "run/processes/process_workers.h"
#include "run/workers/event_timeline.h"
#include "run/workers/live_threads.h"
#include "run/workers/opening.h"
#include "run/workers/ports.h"

namespace ekya::learning {
namespace {

namespace fs = std::filesystem;

constexpr int kCameras = 20;
constexpr double kSettlingSeconds = 5;
constexpr double kMeasuredSeconds = 60;
// As in a live run: thirty intervals of a window of 200 s.
constexpr double kIntervalSeconds = 200.0 / 30;

std::string SiteText() {
  std::string text =
      "compute: {devices: [cpu:0], window: 30s}\n"
      "learning: {bootstrap_epochs: 1}\n"
      "model: {width: 0.0625, input_size: 16}\n"
      "defaults: {url: \"scene:intersection\", frames_per_second: 2, classes: [person, car]}\n"
      "cameras:\n";
  for (int i = 0; i < kCameras; ++i) text += fmt::format("  c{}: {{seed: {}}}\n", i, i + 1);
  return text;
}

/// Of this process and of its children, by process.
std::map<std::string, double> CpuSeconds() {
  std::map<std::string, double> seconds;
  const std::string own = std::to_string(getpid());
  std::error_code failed;
  for (fs::directory_iterator process("/proc", failed), end; !failed && process != end;
       process.increment(failed)) {
    std::ifstream file(process->path() / "stat");
    std::string text;
    if (!std::getline(file, text) || text.rfind(')') == std::string::npos) continue;
    // After the name, which may have spaces: state, parent.
    const std::string rest = text.substr(text.rfind(')') + 4);
    const std::string name = process->path().filename().string();
    if (name == own || rest.substr(0, rest.find(' ')) == own) {
      seconds[name] = ProcessCpuSeconds(std::stoi(name));
    }
  }
  return seconds;
}

struct Cost {
  double conductor = 0;  ///< Cores.
  double workers = 0;    ///< Cores, of all of them.
  int processes = 0;
};

Cost CostBetween(const std::map<std::string, double>& before,
                 const std::map<std::string, double>& after, double seconds) {
  Cost cost;
  for (const auto& [process, cpu] : after) {
    const auto earlier = before.find(process);
    if (earlier == before.end()) continue;
    ++cost.processes;
    (process == std::to_string(getpid()) ? cost.conductor : cost.workers) +=
        (cpu - earlier->second) / seconds;
  }
  return cost;
}

Result<Cost> Measure(const Site& site, const fs::path& site_file, const fs::path& out,
                     std::uint64_t seed) {
  Clock& clock = MonotonicClock();
  EKYA_ASSIGN(const auto workers,
              processes::MakeProcessWorkers({site_file, "site.yaml", out, seed, "cpu:0"}));
  const registry::DataFolder folder(out);
  workers::Recorder recorder(folder.Registry());
  EKYA_ASSIGN(auto store, registry::ModelStore::Open(folder.Models()));
  const workers::StreamEnvironment environment{
      site, seed, out, clock, &store, recorder, [](const window::Event&) {}};
  workers::StreamSet streams;
  EKYA_RETURN_IF_ERROR(workers::OpenStreams(false, false, environment, *workers, {}, &streams));
  EKYA_RETURN_IF_ERROR(workers::TrainFirstModels(streams, *workers, {}, 1));
  const double start = clock.Now();
  recorder.Begin(EpochSeconds(), "none", seed, site.compute.window_seconds, {});
  workers::EventTimeline timeline(clock, start);
  workers::ProfilingCompute profiling(*workers, {}, {0}, 1, 10);
  workers::TrialModels trial_models;
  workers::LearningPool pool(*workers, 2, {});
  workers::LiveTrainer trainer(streams, trial_models, pool, 1, seed, [](const window::Event&) {});
  workers::LiveOptions options;
  const std::atomic<int> window{1};
  workers::Ticker ticker(streams, trainer, options, window, clock, start, 0, kIntervalSeconds);
  workers::Watch watch(streams, options, timeline, profiling);
  clock.SleepUntil(clock.Now() + kSettlingSeconds);
  const auto before = CpuSeconds();
  const double from = clock.Now();
  clock.SleepUntil(from + kMeasuredSeconds);
  const Cost cost = CostBetween(before, CpuSeconds(), clock.Now() - from);
  profiling.Release();
  return cost;
}

}  // namespace

Status RunSupervision(const ExperimentRequest& request) {
  const std::string text = SiteText();
  EKYA_ASSIGN(const Site site, ReadSite(text, "site.yaml"));
  const fs::path site_file = request.out / "site.yaml";
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(site_file, text));
  EKYA_ASSIGN(const Cost cost, Measure(site, site_file, request.out / "data", request.seed));
  report::Summary summary;
  summary.figures = {{"supervision_core_ratio", cost.conductor + cost.workers},
                     {"conductor_core_ratio", cost.conductor},
                     {"workers_core_ratio", cost.workers},
                     {"streams", kCameras},
                     {"processes", cost.processes},
                     {"seconds", kMeasuredSeconds}};
  std::string rows = "figure,value\n";
  for (const auto& [name, value] : summary.figures) rows += fmt::format("{},{:.6f}\n", name, value);
  report::Page page("What supervision costs");
  page.Paragraph(fmt::format(
      "{} streams whose cameras do not play, {} processes, {:.0f} s: {:.2f} % of a core in the "
      "process that conducts, {:.2f} % in all workers together.",
      kCameras, cost.processes, kMeasuredSeconds, 100 * cost.conductor, 100 * cost.workers));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(request.out / "supervision.csv", rows));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(request.out / "report.html", std::move(page).Html());
}

}  // namespace ekya::learning
