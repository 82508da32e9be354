#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/sweep_progress.h"
#include "apps/experiments/sweep_output.h"
#include "apps/report/terminal_table.h"
#include "base/log.h"
#include "core/site.h"
#include "decide/schedule/policy.h"

namespace ekya::cli {
namespace {

struct SimulateOptions {
  std::string trace;
  std::vector<std::string> schedulers{ComputeSettings{}.scheduler};
  std::vector<int> devices{1};
  std::vector<int> streams{0};
  int seeds = 1;
  simulator::SimulationSettings run;
  bool no_gate = false;
  bool all_trials = false;
  int threads = 0;
  std::string out;
  bool json = false;
};

/// CLI11 has split the lists at every comma: options of a policy go back to it.
std::vector<std::string> Schedulers(const SimulateOptions& options) {
  std::string list;
  for (const std::string& part : options.schedulers) list += (list.empty() ? "" : ",") + part;
  return schedule::SplitSpecifications(list);
}

int Simulate(const SimulateOptions& options) {
  const auto text = ReadInput(options.trace);
  if (!text.ok()) return Fail(text.error());
  const auto trace = ReadTrace(*text, options.trace == "-" ? "standard input" : options.trace);
  if (!trace.ok()) return Fail(trace.error());

  std::vector<simulator::SimulationSettings> runs;
  for (const std::string& scheduler : Schedulers(options)) {
    const Status known = simulator::CheckScheduler(scheduler);
    if (!known.ok()) return Fail(known.error().Within("--scheduler"), kWrongUsage);
    for (const int devices : options.devices) {
      for (const int streams : options.streams) {
        for (int seed = 0; seed < options.seeds; ++seed) {
          simulator::SimulationSettings run = options.run;
          run.scheduler = scheduler;
          run.devices = devices;
          run.streams = streams;
          run.seed = static_cast<std::uint64_t>(seed);
          run.gate = !options.no_gate;
          run.weigh_trials = !options.all_trials;
          runs.push_back(std::move(run));
        }
      }
    }
  }
  SetLogLevel(LogLevel::kError);  // What goes wrong in a run is counted in its row.
  SweepProgress progress;
  simulator::SweepSettings sweep;
  sweep.threads = options.threads;
  if (!options.out.empty()) sweep.journal = std::filesystem::path(options.out) / "rows.journal";
  sweep.progress = [&](std::size_t done, std::size_t total) { progress.Show(done, total); };
  const auto rows = simulator::Sweep(*trace, runs, sweep);
  progress.Clear();
  if (!rows.ok()) return Fail(rows.error());
  if (!options.out.empty()) {
    const Status written =
        experiments::WriteSweep(options.out, "Schedulers on " + options.trace, *rows);
    if (!written.ok()) return Fail(written.error());
  }
  fmt::print("{}", options.json ? report::WriteSummary(experiments::SummaryOf(*rows, {}))
                                : report::TerminalTable(experiments::AccuracyTable(*rows)));
  return kDone;
}

}  // namespace

void AddSimulateCommand(CLI::App& app, Request* request) {
  CLI::App* const command = app.add_subcommand(
      "simulate", "replay recorded profiles through the decision loop on a virtual clock");
  const auto options = std::make_shared<SimulateOptions>();
  simulator::SimulationSettings& run = options->run;
  command->add_option("--trace", options->trace, "trace (ekya-trace/1); - reads standard input")
      ->required();
  command
      ->add_option(
          "--scheduler", options->schedulers,
          "NAME[:OPTION=VALUE,...],...; oracle:NAME sees the truth; cloud[:up=,down=]: a data "
          "centre retrains over a link of so many Mb/s; cached[:by=classes|time|objects|location]: "
          "old models of like windows are served")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--devices", options->devices, "numbers of devices, such as 1,2,4")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--streams", options->streams, "numbers of streams; 0: the trace's")
      ->delimiter(',')
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "runs per setting, with seeds 0, 1, ...")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--windows", run.windows, "retraining windows; 0: the trace's")
      ->check(CLI::Range(0, 100000));
  command->add_option("--window", run.window_seconds, "seconds of a window; 0: the trace's")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--quanta", run.quanta_per_device, "quanta per device")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--floor", run.accuracy_floor, "accuracy floor")->check(CLI::Range(0.0, 1.0));
  command
      ->add_option("--noise", run.noise, "standard deviation on the estimates, as a part of them")
      ->check(CLI::Range(0.0, 10.0));
  command
      ->add_option("--preparation", run.preparation,
                   "multiplies the trace's labelling and profiling seconds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--swap-seconds", run.swap_seconds, "without service at a swap")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--share-change-seconds", run.share_change_seconds,
                   "that a retraining stands still when its share changes")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--no-gate", options->no_gate, "swap retrained models that are worse, too");
  command->add_flag("--all-trials", options->all_trials,
                    "profile every candidate in every window, whether or not that is worth it");
  command->add_option("--threads", options->threads, "simulated runs at once; 0: one per processor")
      ->check(CLI::Range(0, 1000));
  command->add_option(
      "--out", options->out,
      "folder for report.html, rows.csv and summary.json; an interrupted sweep into "
      "it goes on");
  command->add_flag("--json", options->json, "print the summary (ekya-summary/1)");
  command->callback([options, request] { *request = [options] { return Simulate(*options); }; });
}

}  // namespace ekya::cli
