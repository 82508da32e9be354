#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "apps/cli/commands.h"
#include "apps/cli/schedule_table.h"
#include "base/clock.h"
#include "base/file.h"
#include "core/site.h"
#include "decide/schedule/policy.h"

namespace ekya::cli {
namespace {

struct ScheduleOptions {
  std::string in;
  std::string after;
  std::string scheduler = ComputeSettings{}.scheduler;
  std::string out;
  bool json = false;
};

int Decide(const ScheduleOptions& options) {
  const auto policy = schedule::MakePolicy(options.scheduler);
  if (!policy.ok()) return Fail(policy.error().Within("--scheduler"), kWrongUsage);
  const auto text = ReadInput(options.in);
  if (!text.ok()) return Fail(text.error());
  const std::string name = options.in == "-" ? "standard input" : options.in;
  auto situation = ReadSituation(*text, name);
  if (!situation.ok()) return Fail(situation.error());
  if (!options.after.empty()) {
    const auto before = ReadInput(options.after);
    if (!before.ok()) return Fail(before.error());
    const auto earlier = ReadSchedule(*before, options.after);
    if (!earlier.ok()) return Fail(earlier.error());
    const Status started = StartFrom(*earlier, &*situation);
    if (!started.ok()) return Fail(started.error().Within(options.after));
  }
  const double start = MonotonicClock().Now();
  auto schedule = (*policy)->Decide(*situation);
  if (!schedule.ok()) return Fail(schedule.error().Within(name));
  // Policies are free of clocks.
  schedule->solve_microseconds = std::round(1e6 * (MonotonicClock().Now() - start));
  if (!options.out.empty()) {
    const Status written = WriteFileAtomically(options.out, WriteSchedule(*schedule));
    if (!written.ok()) return Fail(written.error());
  }
  Print(options.json ? WriteSchedule(*schedule) : ScheduleTable(*schedule));
  return kDone;
}

}  // namespace

void AddScheduleCommand(CLI::App& app, Request* request) {
  CLI::App* const command =
      app.add_subcommand("schedule", "decide one retraining window's shares from a situation");
  const auto options = std::make_shared<ScheduleOptions>();
  command->add_option("--in", options->in, "situation (ekya-situation/1); - reads standard input")
      ->required();
  command->add_option("--after", options->after,
                      "schedule of the window before: its outcome is where this one starts");
  command->add_option("--scheduler", options->scheduler, "NAME or NAME:OPTION=VALUE,...")
      ->capture_default_str();
  command->add_option("--out", options->out, "also write the schedule (ekya-schedule/1) here");
  command->add_flag("--json", options->json, "print the schedule as JSON instead of a table");
  std::string known = "Schedulers:\n";
  for (const auto& [name, summary] : schedule::KnownPolicies()) {
    known += fmt::format("  {:<14} {}\n", name, summary);
  }
  command->footer(known);
  command->callback([options, request] { *request = [options] { return Decide(*options); }; });
}

}  // namespace ekya::cli
