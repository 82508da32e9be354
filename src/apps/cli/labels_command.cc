#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>

#include "apps/cli/commands.h"
#include "platform/datasets/label_export.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/registry.h"

namespace ekya::cli {
namespace {

struct LabelsOptions {
  std::string data_dir = "out";
  std::string stream;
  std::string format;
  std::string out;
};

/// The stream's classes in their order, where the registry can say; else as they are met.
std::vector<std::string> ClassesInRegistry(const registry::DataFolder& folder,
                                           const std::string& stream) {
  const auto opened = registry::Registry::OpenToRead(folder.Registry());
  if (!opened.ok()) return {};
  const auto streams = (*opened)->Streams();
  if (!streams.ok()) return {};
  const auto found = std::ranges::find(*streams, stream, &registry::StreamEntry::id);
  return found == streams->end() ? std::vector<std::string>() : found->classes;
}

int ExportStream(const LabelsOptions& options) {
  const registry::DataFolder folder(options.data_dir);
  auto logged = datasets::ReadLabelLogs(folder.Labels(options.stream));
  if (!logged.ok()) {
    return Fail(logged.error().Within(fmt::format("stream {}", options.stream)));
  }
  for (const std::string& why : logged->passed_over) Warn("passed over: " + why);
  logged->classes = ClassesInRegistry(folder, options.stream);
  const std::string out =
      options.out.empty() ? fmt::format("{}-{}", options.stream, options.format) : options.out;
  const auto written = datasets::ExportLabels(*logged, options.format, out);
  if (!written.ok()) return Fail(written.error());
  if (written->without_picture > 0) {
    Warn(fmt::format("{} labelled frames are left out: their pictures are not kept any more",
                     written->without_picture));
  }
  Print(fmt::format("{}: {} frames with {} objects\n", out, written->frames, written->objects));
  return kDone;
}

}  // namespace

void AddLabelsCommand(CLI::App& app, Request* request) {
  CLI::App* const labels = app.add_subcommand("labels", "what a box found its frames to show");
  labels->require_subcommand(1);
  CLI::App* const command =
      labels->add_subcommand("export", "a stream's labelled frames as a data set");
  const auto options = std::make_shared<LabelsOptions>();
  command->add_option("stream", options->stream, "id of the camera")->required();
  command->add_option("--format", options->format, "layout of the data set")
      ->required()
      ->check(CLI::IsMember({"coco", "yolo"}));
  command->add_option("--out", options->out, "a new folder; by default STREAM-FORMAT");
  command->add_option("--data-dir", options->data_dir, "the server's folder (ekya run --out)")
      ->capture_default_str();
  command->callback(
      [options, request] { *request = [options] { return ExportStream(*options); }; });
}

}  // namespace ekya::cli
