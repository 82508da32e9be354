#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/box.h"
#include "apps/cli/commands.h"
#include "base/clock.h"

namespace ekya::cli {
namespace {

struct BoxOptions {
  std::string data_dir = "out";
  std::string stream;
  std::optional<int> window;
  std::optional<std::int64_t> version;
  int events = kEventsShown;
  bool json = false;
};

/// Opens the box and prints what `look` says of it.
int Look(const BoxOptions& options, bool to_write,
         const std::function<Result<std::string>(Box&)>& look) {
  auto box = OpenBox(options.data_dir, to_write);
  if (!box.ok()) return Fail(box.error());
  const auto text = look(*box);
  if (!text.ok()) return Fail(text.error());
  Print(*text);
  return kDone;
}

}  // namespace

void AddBoxCommands(CLI::App& app, Request* request) {
  const auto options = std::make_shared<BoxOptions>();
  const auto add = [&](CLI::App& parent, const char* name, const char* summary, bool to_write,
                       std::function<Result<std::string>(Box&)> look) {
    CLI::App* const command = parent.add_subcommand(name, summary);
    command->add_option("--data-dir", options->data_dir, "the server's folder (ekya run --out)")
        ->capture_default_str();
    command->callback([options, request, to_write, look = std::move(look)] {
      *request = [=] { return Look(*options, to_write, look); };
    });
    return command;
  };

  CLI::App* const status = add(
      app, "status", "what is served on a box and what it is worth", false, [options](Box& box) {
        return options->json ? StatusJson(box, options->events)
                             : StatusText(box, EpochSeconds(), options->events);
      });
  status->add_option("--events", options->events, "how many of the last events are shown")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  status->add_flag("--json", options->json, "print ekya-status/1");

  CLI::App* const plan = app.add_subcommand("plan", "the schedules of a box");
  plan->require_subcommand(1);
  CLI::App* const explain =
      add(*plan, "explain", "a window's schedules and why they are so", false, [options](Box& box) {
        return options->json ? PlanJson(box, options->window) : PlanText(box, options->window);
      });
  explain->add_option("--window", options->window, "its number; by default the newest");
  explain->add_flag("--json", options->json, "print ekya-plan/1");

  CLI::App* const model = app.add_subcommand("model", "the models of a box");
  model->require_subcommand(1);
  CLI::App* const list = add(
      *model, "list", "a stream's versions and what became of them", false, [options](Box& box) {
        return options->json ? ModelsJson(box, options->stream) : ModelsText(box, options->stream);
      });
  list->add_flag("--json", options->json, "print ekya-models/1");
  CLI::App* const pin =
      add(*model, "pin", "serve one version until it is unpinned", true, [options](Box& box) {
        return PinModel(box, options->stream, options->version, EpochSeconds());
      });
  CLI::App* const unpin = add(*model, "unpin", "let a pinned stream's model change again", true,
                              [options](Box& box) { return UnpinModel(box, options->stream); });
  CLI::App* const rollback =
      add(*model, "rollback", "serve the version before the served one again", true,
          [options](Box& box) { return RollBackModel(box, options->stream); });
  for (CLI::App* const command : {list, pin, unpin, rollback}) {
    command->add_option("stream", options->stream, "id of the camera")->required();
  }
  pin->add_option("version", options->version, "by default the one that is served");
}

}  // namespace ekya::cli
