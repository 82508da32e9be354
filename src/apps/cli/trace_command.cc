#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/report/run_record_file.h"
#include "base/file.h"
#include "core/document.h"
#include "run/simulator/trace_import.h"
#include "run/simulator/trace_of_record.h"

namespace ekya::cli {
namespace {

struct TraceOptions {
  std::string retraining;
  std::string inference;
  std::string throughput;
  std::string out;
  simulator::ImportSettings import;
};

int Import(const TraceOptions& options) {
  const auto retraining = ReadFile(options.retraining);
  if (!retraining.ok()) return Fail(retraining.error());
  const auto inference = ReadFile(options.inference);
  if (!inference.ok()) return Fail(inference.error());
  auto trace = simulator::ImportTrace(*retraining, options.retraining, *inference,
                                      options.inference, options.import);
  if (!trace.ok()) return Fail(trace.error());
  if (!options.throughput.empty()) {
    const auto table = ReadFile(options.throughput);
    if (!table.ok()) return Fail(table.error());
    const auto curve = simulator::ImportThroughput(*table, options.throughput);
    if (!curve.ok()) return Fail(curve.error());
    for (TracedStream& stream : trace->streams) stream.throughput = *curve;
  }
  const Status written = WriteFileAtomically(options.out, WriteTrace(*trace));
  if (!written.ok()) return Fail(written.error());
  std::size_t windows = 0;
  for (const TracedStream& stream : trace->streams) windows += stream.windows.size();
  fmt::print("{}: {} streams, {} windows\n", options.out, trace->streams.size(), windows);
  return kDone;
}

int FromRun(const std::string& file, const std::string& out) {
  const auto text = ReadFile(file, kMaxJsonBytes);
  if (!text.ok()) return Fail(text.error());
  const auto run = report::ReadRunRecord(*text, file);
  if (!run.ok()) return Fail(run.error());
  const auto recorded = simulator::TraceOfRecord(*run);
  if (!recorded.ok()) return Fail(recorded.error().Within(file));
  const Status written = WriteFileAtomically(out, WriteTrace(recorded->trace));
  if (!written.ok()) return Fail(written.error());
  fmt::print("{}: {} streams, {} windows of a run by {}\n", out, recorded->trace.streams.size(),
             recorded->windows.size(), run->scheduler);
  return kDone;
}

}  // namespace

void AddTraceCommand(CLI::App& app, Request* request) {
  CLI::App* const trace = app.add_subcommand("trace", "recorded profiles for the simulator");
  trace->require_subcommand(1);
  CLI::App* const command =
      trace->add_subcommand("import", "make a trace of CSV tables of measured profiles");
  const auto options = std::make_shared<TraceOptions>();
  command
      ->add_option("--retraining", options->retraining,
                   "CSV: stream, window, configuration, epochs, accuracies, seconds")
      ->required();
  command
      ->add_option("--inference", options->inference,
                   "CSV: subsampling and one column of accuracy factors per camera")
      ->required();
  command->add_option("--throughput", options->throughput,
                      "CSV: percent of a device, and the time that retraining takes with it");
  command->add_option("--out", options->out, "the trace (ekya-trace/1)")->required();
  command->add_option("--window", options->import.window_seconds, "seconds of a retraining window")
      ->capture_default_str();
  command
      ->add_option("--full-share", options->import.full_share,
                   "of a device that serving every frame takes")
      ->capture_default_str();
  command
      ->add_option("--carry", options->import.carry,
                   "part of a gain that is assumed to last into each following window")
      ->capture_default_str();
  command->callback([options, request] { *request = [options] { return Import(*options); }; });

  CLI::App* const from_run =
      trace->add_subcommand("from-run", "make a trace of what a live run recorded");
  const auto run = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>();
  from_run->add_option("run", *run, "run.json of a run's output folder")->required();
  from_run->add_option("--out", *out, "the trace (ekya-trace/1)")->required();
  from_run->callback(
      [run, out, request] { *request = [run, out] { return FromRun(*run, *out); }; });
}

}  // namespace ekya::cli
