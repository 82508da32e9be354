#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <set>

#include "apps/cli/commands.h"
#include "core/site.h"
#include "core/url.h"
#include "decide/schedule/policy.h"

namespace ekya::cli {
namespace {

/// The local file or folder that `url` needs; empty where it needs none.
std::string FileOf(const std::string& url) {
  for (const char* prefix : {"file:", "folder:"}) {
    if (url.starts_with(prefix)) return url.substr(std::string(prefix).size());
  }
  if (const std::string layout = DatasetLayoutOf(url); !layout.empty()) {
    return url.substr(layout.size() + 1);
  }
  return url.starts_with("scene:") || url.find("://") != std::string::npos ? "" : url;
}

/// Says of each file that the site names and that is not there.
void WarnOfMissingFiles(const Site& site, const std::string& file) {
  const auto warn = [&](const std::string& key, const std::string& path) {
    std::error_code code;
    if (!path.empty() && !std::filesystem::exists(path, code)) {
      Warn(fmt::format("warning: {}: {}: {} does not exist", file, key, path));
    }
  };
  if (site.golden.source == "model") {
    warn("golden.model", site.golden.model);
    warn("golden.classifier", site.golden.classifier);
    warn("golden.detector", site.golden.detector);
  }
  for (const CameraSettings& camera : site.cameras) {
    warn(fmt::format("cameras.{}.url", camera.id), FileOf(camera.url));
    warn(fmt::format("cameras.{}.model.path", camera.id), site.camera_models.at(camera.id).path);
  }
}

/// Who labels: the golden models of the tasks that there are.
std::string LabelledBy(const Site& site) {
  if (site.golden.source == "truth") return "the source's own";
  std::set<std::string> models;
  for (const CameraSettings& camera : site.cameras) {
    models.insert(GoldenModelOf(site.golden, camera.task));
  }
  return fmt::format("by {}", fmt::join(models, ", "));
}

std::string Describe(const Site& site, const std::string& file) {
  const ComputeSettings& compute = site.compute;
  std::string text = fmt::format("{}: configured are\n", file);
  text +=
      fmt::format("  compute   {} ({:g} of each, {} quanta), windows of {:g} s, {}, floor {:g}\n",
                  fmt::join(compute.devices, " "), compute.device_cores, compute.quanta_per_device,
                  compute.window_seconds, compute.scheduler, compute.accuracy_floor);
  text += fmt::format("  labels    {}, at most {:g} % of the frames\n", LabelledBy(site),
                      100 * site.golden.budget);
  text += fmt::format("  learning  {} retraining and {} inference configurations\n",
                      site.learning.retraining.size(), site.learning.inference.size());
  for (const CameraSettings& camera : site.cameras) {
    text += fmt::format(
        "  camera    {}: {} of {} by {}, {}{}\n", camera.id, camera.task, ShownUrl(camera.url),
        site.camera_models.at(camera.id).architecture, camera.learn ? "learns" : "does not learn",
        camera.classes.empty() ? "" : fmt::format(": {}", fmt::join(camera.classes, ", ")));
  }
  return text;
}

int Check(const std::string& file) {
  const auto text = ReadInput(file);
  if (!text.ok()) return Fail(text.error(), kBadConfiguration);
  const std::string name = file == "-" ? "standard input" : file;
  const auto site = ReadSite(*text, name);
  if (!site.ok()) return Fail(site.error(), kBadConfiguration);
  const auto policy = schedule::MakePolicy(site->compute.scheduler);
  if (!policy.ok()) {
    return Fail(policy.error().Within(name + ": compute.scheduler"), kBadConfiguration);
  }
  Print(Describe(*site, name));
  WarnOfMissingFiles(*site, name);
  return kDone;
}

}  // namespace

void AddConfigCommand(CLI::App& app, Request* request) {
  CLI::App* const command = app.add_subcommand("config", "look at a site's configuration");
  command->require_subcommand(1);
  CLI::App* const check =
      command->add_subcommand("check", "say what a site file configures, or what is wrong in it");
  const auto file = std::make_shared<std::string>();
  check->add_option("site", *file, "site.yaml; - reads standard input")->required();
  check->callback([file, request] { *request = [file] { return Check(*file); }; });
  command->add_subcommand("schema", "print the JSON Schema of site.yaml")->callback([request] {
    *request = [] {
      Print(SiteSchema());
      return kDone;
    };
  });
}

}  // namespace ekya::cli
