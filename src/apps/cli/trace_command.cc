#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "apps/cli/commands.h"
#include "base/file.h"
#include "run/simulator/trace_import.h"

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
}

}  // namespace ekya::cli
