#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "apps/cli/doctor.h"

namespace ekya::cli {
namespace {

struct DoctorOptions {
  std::string data_dir = "out";
  bool json = false;
};

int ExamineBox(const DoctorOptions& options) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  const auto findings = Examine(options.data_dir, self, EKYA_ONNXRUNTIME_LIBRARY);
  Print(options.json ? FindingsJson(findings) : FindingsText(findings));
  const bool problem = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.state == Finding::State::kProblem; });
  return problem ? kFailed : kDone;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Request* request) {
  CLI::App* const command = app.add_subcommand(
      "doctor", "what this box offers `ekya run`; exit status 1 where something is missing");
  const auto options = std::make_shared<DoctorOptions>();
  command->add_option("--data-dir", options->data_dir, "the server's folder (ekya run --out)")
      ->capture_default_str();
  command->add_flag("--json", options->json, "print ekya-doctor/1");
  command->callback([options, request] { *request = [options] { return ExamineBox(*options); }; });
}

}  // namespace ekya::cli
