#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "apps/learning/experiments.h"
#include "apps/live/demo_site.h"
#include "apps/live/profile_command.h"
#include "apps/live/run_command.h"
#include "apps/live/worker_command.h"
#include "decide/schedule/policy.h"

/// The commands of `ekya` that compute with LibTorch. `ekya` starts this program for them.
int main(int argc, char** argv) {
  CLI::App app("Ekya: serves small models on camera streams and keeps them accurate", "ekya");
  app.require_subcommand(1);
  ekya::live::RunRequest request;
  std::string schedulers;
  double minutes = 3;

  CLI::App* run = app.add_subcommand("run", "serve a site's cameras and retrain their models");
  run->add_option("site", request.site_file, "site.yaml")->required();
  const std::map<std::string, double> units = {{"s", 1}, {"m", 60}, {"h", 3600}};
  run->add_option("--for", request.for_seconds, "end after this long, such as 90s, 10m or 2h")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_SENSITIVE, "TIME"));
  // Not for people: how several runs start each one.
  run->add_flag("--child", request.child)->group("");
  run->add_option("--site-name", request.site_name)->group("");
  run->add_option("--first-core", request.first_core)->group("");

  CLI::App* demo =
      app.add_subcommand("demo", "drawn cameras whose world changes: accuracy dips and recovers");
  demo->add_option("--minutes", minutes, "length of the run, its preparation included")
      ->check(CLI::Range(1.0, 60.0))
      ->capture_default_str();
  bool print_site = false;
  demo->add_flag("--print-site", print_site, "print the demo's site.yaml and end");

  for (CLI::App* command : {run, demo}) {
    command->add_option("--scheduler", schedulers,
                        "one or several, compared: thief,uniform:config=0,share=0.5,none");
    command->add_option("--seed", request.seed, "seed of scenes, weights and samples")
        ->capture_default_str();
    command->add_option("--repeat", request.repeat, "runs per scheduler, each with the next seed")
        ->check(CLI::Range(1, 100));
    command
        ->add_option("--parallel", request.at_once,
                     "runs at the same time; the box must hold their devices side by side")
        ->check(CLI::Range(1, 64));
    command->add_option("--out", request.out, "folder of the results")->default_val("out");
    command->add_flag("--json", request.json, "print summary.json instead of the table");
  }

  // Not for people: how a run starts its workers.
  CLI::App* const worker = app.add_subcommand("worker")->group("");
  ekya::live::WorkerCommand working;
  worker->add_option("kind", working.kind)->required();
  worker->add_option("name", working.request.name)->required();
  worker->add_option("--site", working.site_file)->required();
  worker->add_option("--site-name", working.site_name)->required();
  worker->add_option("--seed", working.request.seed);
  worker->add_option("--out", working.request.out)->required();
  auto* const socket = worker->add_option("--socket", working.request.socket);
  worker->add_option("--parent", working.request.parent)->needs(socket);
  auto* const listen = worker->add_option("--listen", working.request.listen)->excludes(socket);
  listen->needs(worker->add_option("--tls-dir", working.request.tls_folder)->needs(listen));

  CLI::App* const profile = app.add_subcommand(
      "profile", "record a trace: every retraining configuration trained on labelled streams");
  ekya::live::ProfileRequest recording;
  profile
      ->add_option("dataset", recording.dataset,
                   "a site file; its cameras (folders, drawn scenes) are what is recorded")
      ->required();
  profile->add_option("--out", recording.out, "the trace (ekya-trace/1)")->required();
  profile->add_option("--windows", recording.windows, "retraining windows of a stream at most")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  profile
      ->add_option("--samples", recording.samples,
                   "labelled samples of a window that are trained on, at most; 0: all")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  profile->add_flag("--plain", recording.plain, "estimates by the paper's own method");
  profile->add_option("--seed", recording.seed, "seed of scenes, weights and samples")
      ->capture_default_str();

  CLI::App* const experiment =
      app.add_subcommand("experiment", "make a comparison's data, figures and report");
  experiment->require_subcommand(1);
  ekya::learning::ExperimentRequest comparison;
  const ekya::learning::Experiment* chosen = nullptr;
  for (const auto& known : ekya::learning::Experiments()) {
    CLI::App* const command = experiment->add_subcommand(known.name, known.summary);
    command->add_option("--out", comparison.out, "folder of the results")->required();
    command->add_option("--data", comparison.data, "folder of the public data sets")
        ->default_val("../shared/data");
    command->add_option("--models", comparison.models, "folder of the public models")
        ->default_val("../shared/models");
    command->add_option("--seed", comparison.seed, "the first seed")->capture_default_str();
    command->add_option("--seeds", comparison.seeds, "repetitions, each with the next seed")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->callback([&chosen, &known] { chosen = &known; });
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*worker) return ekya::live::Work(working);
  if (*profile) return ekya::live::Profile(recording);
  if (chosen != nullptr) {
    if (const ekya::Status status = chosen->run(comparison); !status.ok()) {
      std::fprintf(stderr, "ekya: %s\n", status.error().message.c_str());
      return 1;
    }
    std::printf("%s\n", (comparison.out / "report.html").c_str());
    return 0;
  }
  if (!schedulers.empty()) request.schedulers = ekya::schedule::SplitSpecifications(schedulers);
  if (*demo) {
    if (print_site) {
      std::fputs(ekya::live::DemoSite(), stdout);
      return 0;
    }
    request.site_text = ekya::live::DemoSite();
    request.for_seconds = 60 * minutes - ekya::live::kDemoPreparationSeconds;
    request.title = "Ekya demo";
  } else {
    request.title = request.site_file.stem().string();
  }
  return ekya::live::Run(request);
}
