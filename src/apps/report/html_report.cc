#include "apps/report/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "apps/report/comparison_figures.h"
#include "apps/report/html_page.h"
#include "apps/report/run_figures.h"
#include "apps/report/run_tables.h"
#include "apps/report/shares.h"
#include "apps/report/summary.h"

namespace ekya::report {
namespace {

using window::Decision;
using window::RetrainingRecord;
using window::RunRecord;
using window::StreamRecord;
using window::WindowRecord;

constexpr std::size_t kMostDetailedRuns = 12;

std::string Count(std::int64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string RunName(const RunRecord& run) {
  return fmt::format("{}, seed {}", run.scheduler, run.seed);
}

std::string Setting(const RunRecord& run) {
  std::string devices = Count(run.devices, "device");
  if (run.device_cores != 1) devices += fmt::format(" of {:.3g} cores", run.device_cores);
  return fmt::format("{} · {} · windows of {}",
                     Count(static_cast<std::int64_t>(run.streams.size()), "stream"), devices,
                     SecondsText(run.window_seconds));
}

/// The same for all runs, or a line that says in what they differ.
std::string LeadText(const std::vector<RunRecord>& runs) {
  std::set<std::string> settings;
  std::set<std::uint64_t> seeds;
  std::vector<std::string> schedulers;
  std::size_t windows = 0;
  for (const RunRecord& run : runs) {
    windows = std::max(windows, run.windows.size() + static_cast<std::size_t>(run.earlier.windows));
    settings.insert(Setting(run));
    seeds.insert(run.seed);
    if (std::find(schedulers.begin(), schedulers.end(), run.scheduler) == schedulers.end()) {
      schedulers.push_back(run.scheduler);
    }
  }
  std::string text = settings.size() == 1
                         ? *settings.begin()
                         : Count(static_cast<std::int64_t>(settings.size()), "setting");
  text += " · " + Count(static_cast<std::int64_t>(windows), "retraining window");
  text += fmt::format(" · {}", fmt::join(schedulers, ", "));
  if (seeds.size() == 1) return text + fmt::format(" · seed {}", *seeds.begin());
  return text + fmt::format(" · {}", Count(static_cast<std::int64_t>(seeds.size()), "seed"));
}

/// What an accuracy of `source` is. The interfaces allow three; anything else is said as it is.
std::string SourceText(const std::string& source) {
  if (source == "truth") return "truth, measured against the data set's own labels";
  if (source == "golden") return "golden, the agreement with the golden model's labels";
  if (source == "estimated") return "estimated, what profiles predict and nothing measured";
  return source.empty() ? "of unknown source" : source;
}

void AddSources(Page& page, const std::vector<RunRecord>& runs) {
  std::set<std::string> sources;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) sources.insert(stream.accuracy_source);
  }
  std::vector<std::string> texts;
  texts.reserve(sources.size());
  for (const std::string& source : sources) texts.push_back(SourceText(source));
  if (texts.empty()) return;
  page.Paragraph(fmt::format(
      "Accuracy here is {}. It counts every frame of a stream at its native rate; a skipped frame "
      "carries the last result.",
      fmt::join(texts, "; and ")));
}

void AddKeyFigures(Page& page, const std::vector<SchedulerResult>& results) {
  const SchedulerResult& first = results.front();
  double frames = 0;
  double skipped = 0;
  double retrainings = 0;
  double swaps = 0;
  for (const SummaryRow& row : first.runs) {
    frames += static_cast<double>(row.frames);
    skipped += static_cast<double>(row.frames_skipped);
    retrainings += row.retrainings;
    swaps += row.swaps;
  }
  const double runs = static_cast<double>(first.runs.size());
  const char* same = first.runs.size() > 1 ? "same seeds" : "same seed";
  const char* per_run = first.runs.size() > 1 ? " per run" : "";
  const std::string who =
      first.Label() + (first.runs.size() > 1
                           ? ", " + Count(static_cast<std::int64_t>(first.runs.size()), "seed")
                           : "");
  std::vector<Page::KeyFigure> keys;
  keys.push_back({PercentText(first.mean_accuracy.value_or(kMissing)), "mean accuracy", who});
  if (first.above_none) {
    keys.push_back({fmt::format("{:+.1f}", *first.above_none), "points above none", same});
  }
  if (first.above_uniform) {
    keys.push_back({fmt::format("{:+.1f}", *first.above_uniform), "points above uniform", same});
  }
  keys.push_back({PercentText(first.worst_stream_accuracy.value_or(kMissing)), "worst stream",
                  "its own mean"});
  keys.push_back({fmt::format("{:.4g}", retrainings / runs), fmt::format("retrainings{}", per_run),
                  fmt::format("{:.4g} new models served", swaps / runs)});
  keys.push_back({PercentText(frames > 0 ? skipped / frames : kMissing), "frames skipped",
                  "of " + CountText(frames / runs)});
  page.Add(keys);
}

void AddComparison(Page& page, const std::vector<RunRecord>& runs,
                   const std::vector<SchedulerResult>& results, Palette& schedulers) {
  page.Heading("Schedulers");
  page.Add(AccuracyOverTimeFigures(runs, schedulers));
  std::vector<Figure> bars = MeanAccuracyFigures(results, schedulers);
  for (Figure& figure : StreamAccuracyFigures(runs, schedulers)) bars.push_back(std::move(figure));
  for (Figure& figure : DeviceSecondsFigures(results)) bars.push_back(std::move(figure));
  page.Add(bars);
  page.Add(ComparisonTable(results));
}

void AddFigureTable(Page& page, const std::map<std::string, double>& figures) {
  if (figures.empty()) return;
  Table table{.caption = "As in summary.json.", .columns = {{"Figure"}, {"Value", true}}};
  for (const auto& [name, value] : figures) {
    table.rows.push_back({name, fmt::format("{:.6g}", value)});
  }
  page.Add(table);
}

std::string ShareText(const std::string& configuration, Quanta quanta, int device,
                      const RunRecord& run) {
  if (configuration.empty() && quanta == 0) return "-";
  std::string text = fmt::format("{} at {:.3g}", configuration.empty() ? "?" : configuration,
                                 static_cast<double>(quanta) / std::max(1, run.quanta_per_device));
  if (run.devices > 1 && quanta > 0) text += fmt::format(" of device {}", device);
  return text;
}

/// The decision's own reason for what `job` has; where the policy gives none, what it was told.
std::string WhyText(const Decision& decision, const Allocation& job) {
  std::string explanation = ExplanationOf(decision.schedule, job.stream);
  if (!explanation.empty()) return explanation;
  const StreamSituation* const stream = SituationOf(decision.situation, job.stream);
  if (stream == nullptr) return "";
  if (stream->retrained) return "its retraining of this window has ended";
  if (stream->running) {
    return fmt::format("{} has {} of a device left", stream->running->id,
                       SecondsText(stream->running->device_seconds));
  }
  const RetrainingProfile* best = nullptr;
  for (const RetrainingProfile& profile : stream->retraining) {
    if (profile.id == job.retraining) {
      best = &profile;
      break;
    }
    if (best == nullptr || profile.accuracy > best->accuracy) best = &profile;
  }
  if (best == nullptr) return "";
  const std::string gain =
      fmt::format("would bring {} for {} of a device", PercentText(best->accuracy),
                  SecondsText(best->device_seconds));
  return best->id == job.retraining ? fmt::format("{} {}", best->id, gain)
                                    : fmt::format("the best, {}, {}", best->id, gain);
}

void AddDecision(Page& page, const RunRecord& run, const Decision& decision) {
  const Schedule& schedule = decision.schedule;
  std::string text =
      fmt::format("{}: {}. {} expects a mean accuracy of {}", ClockText(decision.time_seconds),
                  decision.reason, schedule.scheduler.empty() ? run.scheduler : schedule.scheduler,
                  PercentText(schedule.mean_accuracy));
  if (schedule.upper_bound) {
    text += fmt::format("; no schedule reaches more than {}", PercentText(*schedule.upper_bound));
  }
  text += ".";
  if (schedule.solve_microseconds > 0) {
    text += fmt::format(" Decided in {:.3g} ms.", schedule.solve_microseconds / 1000);
  }
  if (!schedule.floor_feasible) text += " The accuracy floor cannot be kept.";
  page.Paragraph(text);
  if (schedule.timeline.empty()) return;
  Table table;
  table.columns = {{"Stream"}, {"Accuracy now", true}, {"Inference"}, {"Retraining"}, {"Why"}};
  bool reasons = false;
  for (const Allocation& job : schedule.timeline.front().jobs) {
    table.rows.push_back(
        {job.stream,
         PercentText(SituationAccuracy(decision.situation, job.stream).value_or(kMissing)),
         ShareText(job.inference, job.inference_quanta, job.inference_device, run),
         ShareText(job.retraining, job.retraining_quanta, job.retraining_device, run),
         WhyText(decision, job)});
    reasons = reasons || !table.rows.back().back().empty();
  }
  if (!reasons) {
    table.columns.pop_back();
    for (auto& row : table.rows) row.pop_back();
  }
  page.Add(table);
}

/// What labelling and profiling gave in one window: the best few configurations of every stream.
Table PreparationTable(const WindowRecord& window) {
  constexpr std::size_t kMostNamed = 4;
  Table table;
  table.columns = {{"Stream"}, {"Labelled samples", true}, {"Profiled configurations, best first"}};
  for (const auto& [stream, labels] : window.labels) {
    std::vector<RetrainingProfile> profiles;
    const auto found = window.profiles.find(stream);
    if (found != window.profiles.end()) profiles = found->second;
    // NaN has no place in an order.
    std::erase_if(profiles, [](const auto& profile) { return !std::isfinite(profile.accuracy); });
    std::stable_sort(profiles.begin(), profiles.end(),
                     [](const auto& a, const auto& b) { return a.accuracy > b.accuracy; });
    std::vector<std::string> named;
    for (std::size_t i = 0; i < std::min(kMostNamed, profiles.size()); ++i) {
      named.push_back(fmt::format("{} {} for {}", profiles[i].id, PercentText(profiles[i].accuracy),
                                  SecondsText(profiles[i].device_seconds)));
    }
    if (profiles.size() > kMostNamed) {
      named.push_back(fmt::format("{} more", profiles.size() - kMostNamed));
    }
    table.rows.push_back({stream, CountText(labels.samples),
                          named.empty() ? "-" : fmt::format("{}", fmt::join(named, "; "))});
  }
  return table;
}

void AddDecisions(Page& page, const RunRecord& run) {
  for (const WindowRecord& window : run.windows) {
    std::vector<std::string> retrained;
    for (const RetrainingRecord& retraining : window.retrainings) {
      retrained.push_back(fmt::format("{} with {} ({})", retraining.stream,
                                      retraining.configuration, retraining.outcome));
    }
    page.BeginFold(
        fmt::format("Window {} · {} to {} · {} · {}", window.window,
                    ClockText(window.start_seconds), ClockText(window.end_seconds),
                    Count(static_cast<std::int64_t>(window.decisions.size()), "decision"),
                    retrained.empty() ? "nothing retrained"
                                      : fmt::format("retrained {}", fmt::join(retrained, ", "))));
    if (!window.labels.empty()) page.Add(PreparationTable(window));
    for (const Decision& decision : window.decisions) AddDecision(page, run, decision);
    if (window.decisions.empty()) page.Paragraph("Nothing was decided.");
    page.EndFold();
  }
}

/// The course of one run. `heading` starts its parts: sections of the page, or of a choice.
template <typename Heading>
void AddRun(Page& page, const RunRecord& run, Palette& streams, Palette& classes, Heading heading) {
  if (!run.streams.empty()) page.Add(StreamTable(run));
  const auto part = [&](const char* name, const std::vector<Figure>& figures) {
    if (figures.empty()) return;
    heading(name);
    page.AddAlike(figures);
  };
  part("Accuracy over time", AccuracyFigures(run, streams));
  part("Shares of the devices", ShareFigures(run, streams));
  part("Class mix", ClassMixFigures(run, classes));
  const Table retrainings = RetrainingTable(run);
  if (!retrainings.rows.empty()) {
    heading("Retrainings");
    for (const Figure& figure : TimelineFigures(run)) page.Add(figure);
    page.Add(PredictionFigures(run, streams));
    page.BeginFold("All retrainings");
    page.Add(retrainings);
    page.EndFold();
  }
  if (!run.windows.empty()) {
    heading("Why each decision was taken");
    if (run.earlier.windows > 0) {
      page.Paragraph(fmt::format("Of the newest windows. {}, until {}, stand in the registry.",
                                 Count(run.earlier.windows, "earlier one"),
                                 ClockText(run.earlier.until_seconds)));
    }
    AddDecisions(page, run);
  }
}

std::vector<std::string> WarningTexts(const std::vector<RunRecord>& runs) {
  std::vector<std::string> texts;
  for (const RunRecord& run : runs) {
    const std::string name = runs.size() > 1 ? RunName(run) + ": " : "";
    if (run.earlier.warnings > 0) {
      texts.push_back(fmt::format("{}{} that the registry has", name,
                                  Count(run.earlier.warnings, "earlier warning")));
    }
    for (const std::string& warning : run.warnings) texts.push_back(name + warning);
    for (const WindowRecord& window : run.windows) {
      for (const std::string& warning : window.warnings) {
        texts.push_back(fmt::format("{}window {}: {}", name, window.window, warning));
      }
    }
  }
  return texts;
}

/// One run per scheduler and setting where there are too many.
std::vector<const RunRecord*> DetailedRuns(const std::vector<RunRecord>& runs) {
  std::vector<const RunRecord*> chosen;
  std::set<std::string> seen;
  for (const RunRecord& run : runs) {
    const bool fresh = seen.insert(run.scheduler + " " + Setting(run)).second;
    if (runs.size() <= kMostDetailedRuns || (fresh && chosen.size() < kMostDetailedRuns)) {
      chosen.push_back(&run);
    }
  }
  return chosen;
}

}  // namespace

std::string MakeHtmlReport(const std::string& title, const std::vector<RunRecord>& given) {
  Page page(title);
  std::vector<RunRecord> runs = given;
  std::stable_sort(runs.begin(), runs.end(), [](const RunRecord& a, const RunRecord& b) {
    return BaselineRank(a.scheduler) < BaselineRank(b.scheduler);
  });
  if (runs.empty()) {
    page.Lead("No run");
    page.Notice("There is nothing to report: no run was given.");
    return std::move(page).Html();
  }
  const Summary summary = Summarize(runs);
  const std::vector<SchedulerResult> results = CompareSchedulers(summary.rows);
  const std::vector<std::string> warnings = WarningTexts(runs);
  Palette schedulers;
  Palette streams;
  Palette classes(4);  // Apart from the streams, whose colours come first.
  page.Lead(LeadText(runs));
  AddKeyFigures(page, results);
  AddSources(page, runs);
  if (!warnings.empty()) {
    page.Notice(fmt::format("{}: see the end of this page.",
                            Count(static_cast<std::int64_t>(warnings.size()), "warning")));
  }
  if (runs.size() == 1) {
    page.Heading("Streams");
    AddRun(page, runs.front(), streams, classes, [&](const char* name) { page.Heading(name); });
    if (!summary.figures.empty()) page.Heading("Figures");
    AddFigureTable(page, summary.figures);
  } else {
    AddComparison(page, runs, results, schedulers);
    AddFigureTable(page, summary.figures);
    const std::vector<const RunRecord*> detailed = DetailedRuns(runs);
    page.Heading("Runs");
    if (detailed.size() < runs.size()) {
      page.Paragraph(fmt::format("{} of {} runs in detail; the CSV files have all.",
                                 detailed.size(), runs.size()));
    }
    page.BeginChoices("Run");
    for (const RunRecord* run : detailed) {
      page.BeginChoice(RunName(*run));
      AddRun(page, *run, streams, classes, [&](const char* name) { page.Subheading(name); });
    }
    page.EndChoices();
  }
  if (!warnings.empty()) {
    page.Heading("Warnings");
    page.List(warnings);
  }
  return std::move(page).Html();
}

}  // namespace ekya::report
