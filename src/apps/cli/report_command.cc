#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/report/report.h"
#include "apps/report/run_record_file.h"
#include "apps/report/summary.h"
#include "apps/report/terminal_table.h"

namespace ekya::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> folders;
  std::string out;
  std::string title;
  bool json = false;
};

/// "results/lobby/" is about "lobby".
std::string TitleOf(const std::filesystem::path& folder) {
  const std::filesystem::path whole = std::filesystem::weakly_canonical(folder);
  return whole.has_filename() ? whole.filename().string() : whole.parent_path().filename().string();
}

int Report(const ReportOptions& options) {
  const std::vector<std::filesystem::path> folders(options.folders.begin(), options.folders.end());
  const auto runs = report::LoadRunRecords(folders);
  if (!runs.ok()) return Fail(runs.error());
  const std::filesystem::path out =
      options.out.empty() ? folders.front() : std::filesystem::path(options.out);
  const std::string title = options.title.empty() ? TitleOf(folders.front()) : options.title;
  const Status written = report::WriteReport(out, title, *runs);
  if (!written.ok()) return Fail(written.error());
  if (options.json) {
    Print(report::WriteSummary(report::Summarize(*runs)));
  } else {
    Print(report::EndOfRunTable(*runs));
    Print(fmt::format("Report: {}\n", (out / "report.html").string()));
  }
  return kDone;
}

}  // namespace

void AddReportCommand(CLI::App& app, Request* request) {
  CLI::App* const command =
      app.add_subcommand("report", "make one report of finished runs (their run.json files)");
  const auto options = std::make_shared<ReportOptions>();
  command
      ->add_option("folders", options->folders,
                   "output folders of runs; every run.json in and below them is taken")
      ->required();
  command->add_option("--out", options->out, "write the report here (default: the first folder)");
  command->add_option("--title", options->title, "heading (default: the first folder's name)");
  command->add_flag("--json", options->json, "print the summary as JSON instead of a table");
  command->callback([options, request] { *request = [options] { return Report(*options); }; });
}

}  // namespace ekya::cli
