#include "apps/cli/box.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <vector>

#include "apps/cli/schedule_table.h"
#include "apps/report/figure.h"
#include "apps/report/html_page.h"
#include "apps/report/terminal_table.h"
#include "core/interval.h"
#include "core/json_writer.h"
#include "core/schedule.h"

namespace ekya::cli {
namespace {

using registry::AccuracyEntry;
using registry::Alias;
using registry::Manifest;
using registry::WindowEntry;

// How many of each are looked at.
constexpr int kAccuraciesPooled = 30;
constexpr int kModelsShown = 1000;

std::string TimeText(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::string AccuracyText(const registry::MeasuredAccuracy& accuracy) {
  if (accuracy.samples == 0 || std::isnan(accuracy.accuracy)) return "-";
  return fmt::format("{} ({} to {})", report::PercentText(accuracy.accuracy),
                     report::PercentText(accuracy.low), report::PercentText(accuracy.high));
}

/// The newest stretches of a stream as one: of the version that is served now.
AccuracyEntry Pooled(const std::vector<AccuracyEntry>& entries) {
  AccuracyEntry pooled;
  double right = 0;
  std::vector<FrameScore> stretches;
  for (const AccuracyEntry& entry : entries) {
    if (pooled.to_seconds == 0) {
      pooled = entry;
      pooled.frames = pooled.frames_skipped = 0;
      pooled.accuracy.samples = 0;
    }
    if (entry.version != pooled.version) break;
    pooled.from_seconds = entry.from_seconds;
    pooled.frames += entry.frames;
    pooled.frames_skipped += entry.frames_skipped;
    if (entry.accuracy.samples == 0 || std::isnan(entry.accuracy.accuracy)) continue;
    const double right_here = entry.accuracy.accuracy * entry.accuracy.samples;
    right += right_here;
    pooled.accuracy.samples += entry.accuracy.samples;
    stretches.push_back({static_cast<int>(std::lround(right_here)), entry.accuracy.samples,
                         entry.accuracy.samples});
  }
  const int samples = pooled.accuracy.samples;
  pooled.accuracy.accuracy = samples > 0 ? right / samples : report::kMissing;
  const AccuracyInterval range = IntervalOf(stretches, false);
  pooled.accuracy.low = range.low;
  pooled.accuracy.high = range.high;
  return pooled;
}

std::int64_t Served(const Box& box, const std::string& stream) {
  return box.models ? box.models->Pointed(stream, Alias::kServing) : 0;
}

Result<WindowEntry> WindowOf(Box& box, std::optional<int> window) {
  EKYA_ASSIGN(std::vector<WindowEntry> windows, box.registry->Windows(1, window));
  if (windows.empty()) {
    return Error{ErrorCode::kNotFound, window
                                           ? fmt::format("window {}: not in the registry", *window)
                                           : std::string("no window has ended yet")};
  }
  return std::move(windows.front());
}

Error NoModels(const std::string& stream) {
  return {ErrorCode::kNotFound, fmt::format("stream {}: no model version is kept", stream)};
}

}  // namespace

Result<Box> OpenBox(const std::filesystem::path& data_dir, bool to_write) {
  const std::filesystem::path file = data_dir / "registry.db";
  Box box;
  EKYA_ASSIGN(box.registry, registry::Registry::OpenToRead(file));
  if (to_write) {
    EKYA_ASSIGN(box.registry, registry::Registry::Open(file));
  }
  auto models = registry::ModelStore::OpenToRead(data_dir / "models");
  if (models.ok()) box.models = std::move(*models);
  return box;
}

Result<std::string> StatusText(Box& box, double now, int events) {
  EKYA_ASSIGN(const auto runs, box.registry->Runs(1));
  if (runs.empty()) return std::string("Nothing has run here yet.\n");
  const registry::RunEntry& run = runs.front();
  std::string text = fmt::format("{} since {}", run.scheduler, TimeText(run.started_seconds));
  text += run.ended_seconds > 0 ? fmt::format(", ended {}", TimeText(run.ended_seconds))
                                : std::string(", not ended");
  EKYA_ASSIGN(const auto windows, box.registry->Windows(1, std::nullopt));
  if (!windows.empty()) {
    text += fmt::format("; window {} ended {} ago", windows.front().window,
                        report::SecondsText(std::max(0.0, now - windows.front().end_seconds)));
  }
  text += "\n\n";

  report::Table table;
  table.columns = {{"stream", false}, {"model", true},          {"accuracy", false},
                   {"source", false}, {"judged objects", true}, {"skipped", true},
                   {"pinned", true}};
  EKYA_ASSIGN(const auto streams, box.registry->Streams());
  for (const registry::StreamEntry& stream : streams) {
    EKYA_ASSIGN(const auto entries, box.registry->Accuracies(stream.id, kAccuraciesPooled));
    EKYA_ASSIGN(const auto pin, box.registry->PinOf(stream.id));
    const AccuracyEntry recent = Pooled(entries);
    const std::int64_t served = Served(box, stream.id);
    table.rows.push_back(
        {stream.id, served > 0 ? fmt::format("{}", served) : "-", AccuracyText(recent.accuracy),
         recent.accuracy.source, fmt::format("{}", recent.accuracy.samples),
         report::PercentText(recent.frames > 0 ? static_cast<double>(recent.frames_skipped) /
                                                     static_cast<double>(recent.frames)
                                               : report::kMissing),
         pin ? fmt::format("{}", pin->version) : ""});
  }
  text += report::TerminalTable(table);
  EKYA_ASSIGN(auto last, box.registry->Events(events));
  std::ranges::reverse(last);
  if (!last.empty()) text += "\n";
  for (const registry::EventEntry& event : last) {
    text += fmt::format("{}  {}{}{}\n", TimeText(event.time_seconds),
                        event.stream.empty() ? "" : event.stream + ": ", event.kind,
                        event.detail.empty() ? "" : ": " + event.detail);
  }
  return text;
}

Result<std::string> StatusJson(Box& box, int events) {
  EKYA_ASSIGN(const auto runs, box.registry->Runs(1));
  EKYA_ASSIGN(const auto windows, box.registry->Windows(1, std::nullopt));
  EKYA_ASSIGN(const auto streams, box.registry->Streams());
  EKYA_ASSIGN(const auto last, box.registry->Events(events));
  JsonWriter json;
  json.BeginMap().Key("format").Text("ekya-status/1");
  json.Key("run");
  if (runs.empty()) {
    json.Null();
  } else {
    json.BeginMap().Key("started_seconds").Number(runs.front().started_seconds);
    json.Key("ended_seconds");
    if (runs.front().ended_seconds > 0) {
      json.Number(runs.front().ended_seconds);
    } else {
      json.Null();
    }
    json.Key("scheduler").Text(runs.front().scheduler);
    json.Key("window_seconds").Number(runs.front().window_seconds).EndMap();
  }
  json.Key("window");
  if (windows.empty()) {
    json.Null();
  } else {
    json.Number(windows.front().window);
  }
  json.Key("streams").BeginList();
  for (const registry::StreamEntry& stream : streams) {
    EKYA_ASSIGN(const auto entries, box.registry->Accuracies(stream.id, kAccuraciesPooled));
    EKYA_ASSIGN(const auto pin, box.registry->PinOf(stream.id));
    const AccuracyEntry recent = Pooled(entries);
    json.BeginMap().Key("id").Text(stream.id);
    json.Key("task").Text(stream.task);
    json.Key("model_version").Integer(Served(box, stream.id));
    json.Key("accuracy").Number(recent.accuracy.accuracy);
    json.Key("low").Number(recent.accuracy.low);
    json.Key("high").Number(recent.accuracy.high);
    json.Key("source").Text(recent.accuracy.source);
    json.Key("samples").Number(recent.accuracy.samples);
    json.Key("frames").Integer(recent.frames);
    json.Key("frames_skipped").Integer(recent.frames_skipped);
    json.Key("pinned");
    if (pin) {
      json.Integer(pin->version);
    } else {
      json.Null();
    }
    json.EndMap();
  }
  json.EndList().Key("events").BeginList();
  for (const registry::EventEntry& event : last) {
    json.BeginMap().Key("time_seconds").Number(event.time_seconds);
    json.Key("stream").Text(event.stream);
    json.Key("kind").Text(event.kind);
    json.Key("detail").Text(event.detail).EndMap();
  }
  json.EndList().EndMap();
  return json.Take();
}

namespace {

report::Table ProfilesTable(const WindowEntry& entry) {
  report::Table table;
  table.columns = {
      {"stream", false}, {"configuration", false}, {"accuracy", true}, {"device s", true}};
  for (const registry::ProfileEntry& profile : entry.profiles) {
    std::string accuracy = report::PercentText(profile.accuracy);
    if (profile.spread > 0) accuracy += fmt::format(" ± {:.1f}", 100 * profile.spread);
    table.rows.push_back({profile.stream, profile.configuration, accuracy,
                          fmt::format("{:.1f}", profile.device_seconds)});
  }
  return table;
}

report::Table CorrectionsTable(const WindowEntry& entry) {
  report::Table table;
  table.columns = {{"after s", true}, {"stream", false},   {"configuration", false},
                   {"what", false},   {"predicted", true}, {"corrected", true}};
  for (const registry::CorrectionEntry& correction : entry.corrections) {
    table.rows.push_back({fmt::format("{:.1f}", correction.time_seconds - entry.start_seconds),
                          correction.stream, correction.configuration, correction.what,
                          fmt::format("{:.3g}", correction.predicted),
                          fmt::format("{:.3g}", correction.corrected)});
  }
  return table;
}

}  // namespace

Result<std::string> PlanText(Box& box, std::optional<int> window) {
  EKYA_ASSIGN(const WindowEntry entry, WindowOf(box, window));
  std::string text = fmt::format("Window {}, {} to {}: labelling {}, trials {}\n", entry.window,
                                 TimeText(entry.start_seconds), TimeText(entry.end_seconds),
                                 report::SecondsText(entry.labelling_seconds),
                                 report::SecondsText(entry.profiling_seconds));
  if (!entry.profiles.empty()) {
    text += "\nWhat retraining promised\n" + report::TerminalTable(ProfilesTable(entry));
  }
  for (const registry::DecisionEntry& decision : entry.decisions) {
    text += fmt::format("\n{:.1f} s, {}\n", decision.time_seconds - entry.start_seconds,
                        decision.reason);
    EKYA_ASSIGN(const Schedule schedule, ReadSchedule(decision.schedule, "registry"));
    text += ScheduleTable(schedule);
  }
  if (!entry.corrections.empty()) {
    text += "\nPredictions that were corrected\n" + report::TerminalTable(CorrectionsTable(entry));
  }
  if (!entry.retrainings.empty()) {
    report::Table table;
    table.columns = {{"stream", false},  {"configuration", false}, {"predicted", true},
                     {"achieved", true}, {"device s", true},       {"outcome", false}};
    for (const registry::RetrainingEntry& retraining : entry.retrainings) {
      table.rows.push_back({retraining.stream, retraining.configuration,
                            report::PercentText(retraining.predicted_accuracy),
                            report::PercentText(retraining.achieved_accuracy),
                            fmt::format("{:.1f}", retraining.device_seconds), retraining.outcome});
    }
    text += "\nWhat came of it\n" + report::TerminalTable(table);
  }
  return text;
}

Result<std::string> PlanJson(Box& box, std::optional<int> window) {
  EKYA_ASSIGN(const WindowEntry entry, WindowOf(box, window));
  JsonWriter json;
  json.BeginMap().Key("format").Text("ekya-plan/1");
  json.Key("window").Number(entry.window);
  json.Key("start_seconds").Number(entry.start_seconds);
  json.Key("end_seconds").Number(entry.end_seconds);
  json.Key("labelling_seconds").Number(entry.labelling_seconds);
  json.Key("profiling_seconds").Number(entry.profiling_seconds);
  json.Key("profiles").BeginList();
  for (const registry::ProfileEntry& profile : entry.profiles) {
    json.BeginMap().Key("stream").Text(profile.stream);
    json.Key("configuration").Text(profile.configuration);
    json.Key("accuracy").Number(profile.accuracy);
    json.Key("spread").Number(profile.spread);
    json.Key("device_seconds").Number(profile.device_seconds).EndMap();
  }
  json.EndList().Key("decisions").BeginList();
  for (const registry::DecisionEntry& decision : entry.decisions) {
    json.BeginMap().Key("time_seconds").Number(decision.time_seconds);
    json.Key("reason").Text(decision.reason);
    json.Key("situation").Json(decision.situation);
    json.Key("schedule").Json(decision.schedule).EndMap();
  }
  json.EndList().Key("corrections").BeginList();
  for (const registry::CorrectionEntry& correction : entry.corrections) {
    json.BeginMap().Key("time_seconds").Number(correction.time_seconds);
    json.Key("stream").Text(correction.stream);
    json.Key("configuration").Text(correction.configuration);
    json.Key("what").Text(correction.what);
    json.Key("predicted").Number(correction.predicted);
    json.Key("corrected").Number(correction.corrected).EndMap();
  }
  json.EndList().Key("retrainings").BeginList();
  for (const registry::RetrainingEntry& retraining : entry.retrainings) {
    json.BeginMap().Key("stream").Text(retraining.stream);
    json.Key("configuration").Text(retraining.configuration);
    json.Key("start_seconds").Number(retraining.start_seconds);
    json.Key("end_seconds").Number(retraining.end_seconds);
    json.Key("predicted_accuracy").Number(retraining.predicted_accuracy);
    json.Key("predicted_device_seconds").Number(retraining.predicted_device_seconds);
    json.Key("achieved_accuracy").Number(retraining.achieved_accuracy);
    json.Key("device_seconds").Number(retraining.device_seconds);
    json.Key("outcome").Text(retraining.outcome).EndMap();
  }
  json.EndList().EndMap();
  return json.Take();
}

Result<std::string> ModelsText(Box& box, const std::string& stream) {
  EKYA_ASSIGN(const auto models, box.registry->Models(stream, kModelsShown));
  if (models.empty()) return NoModels(stream);
  EKYA_ASSIGN(const auto pin, box.registry->PinOf(stream));
  const std::int64_t served = Served(box, stream);
  const std::int64_t previous = box.models ? box.models->Pointed(stream, Alias::kPrevious) : 0;
  report::Table table;
  table.columns = {{"version", true},     {"made", false},          {"from", true},
                   {"window", true},      {"configuration", false}, {"accuracy (95 %)", false},
                   {"source", false},     {"samples", true},        {"classes", true},
                   {"temperature", true}, {"decision", false},      {"reason", false}};
  for (const Manifest& model : models) {
    std::string version = fmt::format("{}", model.version);
    if (model.version == served) version.insert(0, "serving ");
    if (model.version == previous) version.insert(0, "previous ");
    if (pin && pin->version == model.version) version.insert(0, "pinned, ");
    if (!box.models || !box.models->Describe(stream, model.version).ok()) {
      version.insert(0, "not kept, ");
    }
    table.rows.push_back(
        {version, TimeText(model.created_seconds),
         model.parent > 0 ? fmt::format("{}", model.parent) : "", fmt::format("{}", model.window),
         model.configuration, AccuracyText(model.accuracy), model.accuracy.source,
         fmt::format("{}", model.accuracy.samples),
         model.classes.empty() ? "" : fmt::format("{}", model.classes.size()),
         fmt::format("{:.2f}", model.temperature), Name(model.verdict), model.reason});
  }
  return report::TerminalTable(table, 160);
}

Result<std::string> ModelsJson(Box& box, const std::string& stream) {
  EKYA_ASSIGN(const auto models, box.registry->Models(stream, kModelsShown));
  if (models.empty()) return NoModels(stream);
  JsonWriter json;
  json.BeginMap().Key("format").Text("ekya-models/1");
  json.Key("stream").Text(stream);
  json.Key("serving").Integer(Served(box, stream));
  json.Key("models").BeginList();
  for (const Manifest& model : models) json.Json(WriteManifest(model));
  json.EndList().EndMap();
  return json.Take();
}

Result<std::string> PinModel(Box& box, const std::string& stream,
                             std::optional<std::int64_t> version, double now) {
  if (!box.models) return NoModels(stream);
  const std::int64_t wanted = version.value_or(Served(box, stream));
  if (wanted == 0) return NoModels(stream);
  // A damaged version would not be served: say so now.
  EKYA_ASSIGN(const registry::StoredModel model, box.models->Load(stream, wanted));
  EKYA_RETURN_IF_ERROR(box.registry->SetPin({stream, wanted, now}));
  EKYA_RETURN_IF_ERROR(box.models->Point(stream, Alias::kServing, wanted));
  return fmt::format("stream {} stays at version {} until it is unpinned\n", stream,
                     model.manifest.version);
}

Result<std::string> UnpinModel(Box& box, const std::string& stream) {
  EKYA_ASSIGN(const auto pin, box.registry->PinOf(stream));
  if (!pin) return fmt::format("stream {} was not pinned\n", stream);
  EKYA_RETURN_IF_ERROR(box.registry->Unpin(stream));
  return fmt::format("stream {} may move on from version {}\n", stream, pin->version);
}

Result<std::string> RollBackModel(Box& box, const std::string& stream) {
  if (!box.models) return NoModels(stream);
  const std::int64_t previous = box.models->Pointed(stream, Alias::kPrevious);
  if (previous == 0) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("stream {}: there is no previous version to go back to", stream)};
  }
  EKYA_ASSIGN(const registry::StoredModel model, box.models->Load(stream, previous));
  EKYA_RETURN_IF_ERROR(box.models->Point(stream, Alias::kServing, previous));
  return fmt::format("stream {} is served by version {} again\n", stream, model.manifest.version);
}

}  // namespace ekya::cli
