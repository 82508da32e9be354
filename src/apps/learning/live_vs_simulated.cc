#include "apps/learning/live_vs_simulated.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "apps/report/html_page.h"
#include "apps/report/run_record_file.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "base/log.h"

extern char** environ;

namespace ekya::learning {
namespace {

constexpr int kWindows = 10;
constexpr double kWindowSeconds = 20;

// As examples/drawn.yaml: needs no data, and its world changes every third window.
constexpr char kSite[] = R"(compute:
  devices: [cpu:0]
  device_cores: 0.8
  quanta_per_device: 20
  window: 20s
  scheduler: thief
golden: {source: truth}
learning:
  bootstrap_windows: 2
  bootstrap_epochs: 20
  bootstrap_learning_rate: 0.05
  profiling_fraction: 100%
  profiling_epochs: 3
  retraining:
    - {id: short, epochs: 3, learning_rate: 0.05}
    - {id: long, epochs: 8, learning_rate: 0.05}
model: {architecture: resnet18, width: 0.0625, input_size: 32}
defaults: {url: "scene:intersection", task: classification, frames_per_second: 6, speed: 0.5}
cameras:
  north: {seed: 1}
  harbour: {seed: 2}
  station: {seed: 3}
)";

/// This program with other words, until it ends; what it says goes to `log`.
Status RunProgram(std::vector<std::string> words, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t process = -1;
  const int failed =
      posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Error{ErrorCode::kFailed, fmt::format("cannot start a run: {}", std::strerror(failed))};
  }
  int code = 0;
  while (waitpid(process, &code, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(code) && WEXITSTATUS(code) == 0) return {};
  return Error{ErrorCode::kFailed, "the live run failed: " + log.string() + " says why"};
}

Result<TwinRuns> RunTwins(std::uint64_t seed, const std::filesystem::path& folder) {
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(folder / "site.yaml", kSite));
  const std::filesystem::path live = folder / "live";
  EKYA_RETURN_IF_ERROR(RunProgram({"ekya-live", "run", (folder / "site.yaml").string(), "--for",
                                   fmt::format("{}s", kWindows * kWindowSeconds), "--seed",
                                   std::to_string(seed), "--out", live.string()},
                                  folder / "log.txt"));
  EKYA_ASSIGN(auto runs, report::LoadRunRecords({live}));
  EKYA_ASSIGN(TwinRuns twins, SimulateAgain(std::move(runs.front())));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(folder / "trace.json", WriteTrace(twins.recorded.trace)));
  return twins;
}

double Points(double difference) { return 100 * difference; }

/// What stream `s` came to in window `w` of the simulation.
double SimulatedIn(const TwinRuns& twins, const simulator::RecordedWindow& window) {
  for (const auto& stream : twins.simulated.streams) {
    const auto place = static_cast<std::size_t>(window.window);
    if (stream.id == window.stream && place < stream.window_accuracy.size()) {
      return stream.window_accuracy[place];
    }
  }
  return report::kMissing;
}

/// The configuration that the simulation retrained `window`'s stream with, and when it swapped.
std::pair<std::string, double> SimulatedRetraining(const TwinRuns& twins,
                                                   const simulator::RecordedWindow& window) {
  const auto& record = twins.simulated.windows.at(static_cast<std::size_t>(window.window));
  for (const auto& retraining : record.retrainings) {
    if (retraining.stream != window.stream) continue;
    const bool swapped = retraining.outcome == "swapped";
    return {retraining.configuration, swapped ? retraining.end_seconds - record.start_seconds : -1};
  }
  return {"", -1};
}

report::Figure FigureOf(const TwinRuns& twins, const std::string& stream) {
  report::Figure figure;
  figure.kind = report::FigureKind::kLine;
  figure.title = stream;
  figure.x.name = "window";
  figure.y.name = "accuracy";
  figure.y.unit = report::Unit::kPercent;
  report::Series live{"live"};
  report::Series simulated{"simulated"};
  simulated.dashed = true;
  for (const auto& window : twins.recorded.windows) {
    if (window.stream != stream) continue;
    const double x = window.window + 1;
    live.points.push_back({x, window.accuracy});
    simulated.points.push_back({x, SimulatedIn(twins, window)});
  }
  figure.series = {std::move(live), std::move(simulated)};
  return figure;
}

std::string WindowsCsv(const std::vector<TwinRuns>& all) {
  std::string text =
      "seed,stream,window,live,replayed,simulated,live_configuration,simulated_configuration,"
      "live_swap_seconds,simulated_swap_seconds,before,after\n";
  for (const TwinRuns& twins : all) {
    for (const auto& window : twins.recorded.windows) {
      const auto [configuration, swap] = SimulatedRetraining(twins, window);
      text += fmt::format("{},{},{},{:.5f},{:.5f},{:.5f},{},{},{:.2f},{:.2f},{:.5f},{:.5f}\n",
                          twins.live.seed, window.stream, window.window, window.accuracy,
                          window.replayed, SimulatedIn(twins, window), window.configuration,
                          configuration, window.swap_seconds, swap, window.before, window.after);
    }
  }
  return text;
}

struct Row {
  double live = 0;
  double replayed = 0;
  double simulated = 0;
  int retrainings_live = 0;
  int retrainings_simulated = 0;
  int same = 0;  // Stream windows with the same retraining, or none, in both.
  int windows = 0;
};

Row RowOf(const TwinRuns& twins) {
  Row row{twins.LiveAccuracy(), twins.ReplayedAccuracy(), twins.SimulatedAccuracy()};
  for (const auto& window : twins.recorded.windows) {
    row.retrainings_live += window.configuration.empty() ? 0 : 1;
    row.retrainings_simulated += SimulatedRetraining(twins, window).first.empty() ? 0 : 1;
    row.same += SimulatedRetraining(twins, window).first == window.configuration ? 1 : 0;
    ++row.windows;
  }
  return row;
}

Status Write(const ExperimentRequest& request, const std::vector<TwinRuns>& all) {
  report::Table table;
  table.columns = {{"seed", true},
                   {"live", true},
                   {"replayed", true},
                   {"simulated", true},
                   {"difference", true},
                   {"of what a trace cannot hold", true},
                   {"of decisions", true},
                   {"retrainings live", true},
                   {"retrainings simulated", true},
                   {"same retraining", true}};
  std::string csv =
      "seed,live,replayed,simulated,difference_points,world_points,decisions_points,retrainings_"
      "live,"
      "retrainings_simulated,same_retraining,stream_windows\n";
  double difference = 0;
  double signed_difference = 0;
  double world = 0;
  double decisions = 0;
  double live = 0;
  double simulated = 0;
  for (const TwinRuns& twins : all) {
    const Row row = RowOf(twins);
    const double off = Points(row.simulated - row.live);
    const double of_world = Points(row.replayed - row.live);
    const double of_decisions = Points(row.simulated - row.replayed);
    const auto share = 1 / static_cast<double>(all.size());
    difference += share * std::abs(off);
    signed_difference += share * off;
    world += share * of_world;
    decisions += share * of_decisions;
    live += share * row.live;
    simulated += share * row.simulated;
    csv +=
        fmt::format("{},{:.5f},{:.5f},{:.5f},{:.3f},{:.3f},{:.3f},{},{},{},{}\n", twins.live.seed,
                    row.live, row.replayed, row.simulated, off, of_world, of_decisions,
                    row.retrainings_live, row.retrainings_simulated, row.same, row.windows);
    table.rows.push_back({std::to_string(twins.live.seed), report::PercentText(row.live),
                          report::PercentText(row.replayed), report::PercentText(row.simulated),
                          fmt::format("{:+.2f}", off), fmt::format("{:+.2f}", of_world),
                          fmt::format("{:+.2f}", of_decisions),
                          std::to_string(row.retrainings_live),
                          std::to_string(row.retrainings_simulated),
                          fmt::format("{} of {}", row.same, row.windows)});
  }
  report::Summary summary;
  summary.figures["difference_points"] = difference;
  summary.figures["signed_difference_points"] = signed_difference;
  summary.figures["world_points"] = world;
  summary.figures["decisions_points"] = decisions;
  summary.figures["accuracy_live"] = live;
  summary.figures["accuracy_simulated"] = simulated;

  report::Page page("Live against simulated");
  page.Lead(
      "Ten windows of three drawn crossings, live, and simulated in the trace recorded of them");
  page.Add(std::vector<report::Page::KeyFigure>{
      {fmt::format("{:.2f} points", difference), "difference of mean accuracy",
       fmt::format("mean size over {} runs", all.size())},
      {report::PercentText(live), "live", ""},
      {report::PercentText(simulated), "simulated", ""}});
  page.Paragraph(
      "Where they differ. Replayed is what the recorded models would have come to, swapped and "
      "sampled when and how they were live, had each been equally good for as long as it served: "
      "its distance from live is what a trace cannot hold (drift within a window, frames late or "
      "lost). The simulation's distance from it is what was decided otherwise or at another time: "
      "in the simulator a retraining takes its device seconds exactly, labels and trials take the "
      "same of every stream, and a configuration that was not chosen gives what was promised.");
  page.Add(table);
  for (const TwinRuns& twins : all) {
    page.Heading(fmt::format("Seed {}", twins.live.seed));
    std::vector<report::Figure> figures;
    for (const auto& stream : twins.live.streams) figures.push_back(FigureOf(twins, stream.id));
    page.AddAlike(figures);
  }
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(request.out / "runs.csv", csv));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(request.out / "windows.csv", WindowsCsv(all)));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(request.out / "report.html", std::move(page).Html());
}

}  // namespace

double TwinRuns::LiveAccuracy() const {
  double sum = 0;
  for (const auto& stream : live.streams) sum += stream.mean_accuracy;
  return live.streams.empty() ? 0 : sum / static_cast<double>(live.streams.size());
}

double TwinRuns::ReplayedAccuracy() const {
  double sum = 0;
  for (const auto& window : recorded.windows) sum += window.replayed;
  return recorded.windows.empty() ? 0 : sum / static_cast<double>(recorded.windows.size());
}

Result<TwinRuns> SimulateAgain(window::RunRecord live) {
  TwinRuns twins;
  EKYA_ASSIGN(twins.recorded, simulator::TraceOfRecord(live));
  EKYA_ASSIGN(twins.simulated, simulator::Simulate(twins.recorded.trace, twins.recorded.settings));
  twins.live = std::move(live);
  return twins;
}

Status RunLiveVsSimulated(const ExperimentRequest& request) {
  std::vector<TwinRuns> all;
  for (int i = 0; i < request.seeds; ++i) {
    const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(i);
    EKYA_ASSIGN(TwinRuns twins, RunTwins(seed, request.out / fmt::format("seed-{}", seed)));
    Log(LogLevel::kInfo, "live-vs-simulated", "seed {}: live {:.2f} %, simulated {:.2f} %", seed,
        100 * twins.LiveAccuracy(), 100 * twins.SimulatedAccuracy());
    all.push_back(std::move(twins));
  }
  return Write(request, all);
}

}  // namespace ekya::learning
