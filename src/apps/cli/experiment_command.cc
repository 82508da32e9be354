#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/sweep_progress.h"
#include "apps/experiments/scheduling.h"
#include "apps/experiments/worked_example.h"
#include "base/file.h"
#include "base/log.h"
#include "run/simulator/trace_import.h"

namespace ekya::cli {
namespace {

struct LearningExperiment {
  const char* name;
  const char* summary;
};

/// The experiments that train models: `ekya-live` runs them (apps/learning).
const std::vector<LearningExperiment> kLearningExperiments = {
    {"continual", "classes come one by one while the light fails: what is learned and forgotten"},
    {"detection",
     "a small detector retrained on its own camera, on real clips and a drawn crossing"},
    {"throughput", "training and serving against Python with PyTorch, in turns on one core"},
    {"estimates", "micro-profiling's estimates against exhaustive training, and what they cost"},
    {"live-vs-simulated", "ten windows live, and simulated in the trace that was recorded of them"},
    {"shares", "what a training job gets of a core, how soon a change is felt, who starves"},
    {"swaps", "a thousand swaps on a loaded stream: frames dropped, latency with and without"},
    {"soak", "ten thousand swaps, a thousand streams added and removed: what grows"},
    {"supervision", "what it costs to look after the worker processes of twenty streams"},
};

struct ExperimentOptions {
  std::string trace;
  std::string retraining;
  std::string inference;
  std::string out;
  experiments::SchedulingSettings scheduling;
};

/// The trace, or the tables that one is made of.
Result<Trace> TraceOf(const ExperimentOptions& options) {
  if (!options.trace.empty()) {
    EKYA_ASSIGN(const std::string text, ReadInput(options.trace));
    return ReadTrace(text, options.trace == "-" ? "standard input" : options.trace);
  }
  EKYA_ASSIGN(const std::string retraining, ReadFile(options.retraining));
  EKYA_ASSIGN(const std::string inference, ReadFile(options.inference));
  return simulator::ImportTrace(retraining, options.retraining, inference, options.inference, {});
}

int Scheduling(const ExperimentOptions& options) {
  if (options.trace.empty() && options.retraining.empty()) {
    return Fail({ErrorCode::kInvalid,
                 "experiment scheduling: expected --trace, or --retraining and --inference"},
                kWrongUsage);
  }
  const auto trace = TraceOf(options);
  if (!trace.ok()) return Fail(trace.error());
  SetLogLevel(LogLevel::kError);  // What goes wrong in a run is counted in its row.
  SweepProgress progress;
  experiments::SchedulingSettings settings = options.scheduling;
  settings.progress = [&](std::size_t done, std::size_t total) { progress.Show(done, total); };
  const Status status = experiments::RunScheduling(*trace, options.out, settings);
  progress.Clear();
  if (!status.ok()) return Fail(status.error());
  fmt::print("{}/report.html\n", options.out);
  return kDone;
}

}  // namespace

void AddExperimentCommand(CLI::App& app, Request* request) {
  CLI::App* const experiment =
      app.add_subcommand("experiment", "make a comparison's data, figures and report");
  experiment->require_subcommand(1);
  CLI::App* const command = experiment->add_subcommand(
      "scheduling", "all schedulers on recorded profiles, against everything that matters to them");
  const auto options = std::make_shared<ExperimentOptions>();
  CLI::Option* const trace = command->add_option("--trace", options->trace,
                                                 "trace (ekya-trace/1); - reads standard input");
  CLI::Option* const retraining =
      command->add_option("--retraining", options->retraining, "CSV, as ekya trace import takes it")
          ->excludes(trace);
  retraining->needs(
      command->add_option("--inference", options->inference, "CSV, as ekya trace import takes it"));
  command->add_option("--out", options->out, "folder for the results; an interrupted run goes on")
      ->required();
  experiments::SchedulingSettings& settings = options->scheduling;
  command->add_option("--streams", settings.streams, "streams where they are not varied")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--devices", settings.devices, "devices where they are not varied")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--windows", settings.windows, "retraining windows of a run")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--seeds", settings.seeds, "runs per setting")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--threads", settings.threads, "simulated runs at once; 0: one per processor")
      ->check(CLI::Range(0, 1000));
  command->callback([options, request] { *request = [options] { return Scheduling(*options); }; });

  CLI::App* const example = experiment->add_subcommand(
      "worked-example", "the paper's worked example, two windows in sequence, by every scheduler");
  example->add_option("--out", options->out, "folder for the results")->required();
  example->callback([options, request] {
    *request = [options] {
      const Status status = experiments::RunWorkedExample(options->out);
      if (!status.ok()) return Fail(status.error());
      fmt::print("{}/report.html\n", options->out);
      return kDone;
    };
  });

  for (const LearningExperiment& learning : kLearningExperiments) {
    CLI::App* const live = experiment->add_subcommand(learning.name, learning.summary);
    // Every argument is the other program's, --help included.
    live->prefix_command();
    live->set_help_flag();
    live->callback([live, request] {
      *request = [live] {
        std::vector<std::string> words = {"experiment", live->get_name()};
        for (const std::string& argument : live->remaining()) words.push_back(argument);
        return BecomeLive(words);
      };
    });
  }
}

}  // namespace ekya::cli
