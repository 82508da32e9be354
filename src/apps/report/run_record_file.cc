#include "apps/report/run_record_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <system_error>

#include "apps/report/figure.h"
#include "apps/report/json_members.h"
#include "apps/report/run_figures.h"
#include "apps/report/text.h"
#include "base/file.h"
#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya::report {
namespace {

using window::CorrectionRecord;
using window::Decision;
using window::EarlierWindows;
using window::LabelSummary;
using window::RetrainingRecord;
using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;
using window::SwapRecord;
using window::WindowRecord;

constexpr double kMax = std::numeric_limits<double>::max();
/// Half of what a reader accepts; the other half is for windows and decisions.
constexpr std::size_t kMostIntervalValues = kMaxValues / 2;
constexpr int kMaxInt = std::numeric_limits<int>::max();

// --- Writing ---

void WriteTexts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.Key(key).BeginList();
  for (const std::string& text : texts) json.Text(ValidUtf8(text));
  json.EndList();
}

void WriteCounts(JsonWriter& json, std::string_view key, const std::vector<int>& counts) {
  json.Key(key).BeginList();
  for (const int count : counts) json.Integer(count);
  json.EndList();
}

void WriteProfile(JsonWriter& json, const RetrainingProfile& profile) {
  MembersOf(json.BeginMap())("id", profile.id)("accuracy", profile.accuracy);
  MembersOf(json)("device_seconds", profile.device_seconds)("spread", profile.spread).EndMap();
}

void WriteDecision(JsonWriter& json, const Decision& decision) {
  MembersOf(json.BeginMap())("time_seconds", decision.time_seconds);
  MembersOf(json)("reason", decision.reason);
  json.Key("situation").Json(WriteSituation(decision.situation));
  json.Key("schedule").Json(WriteSchedule(decision.schedule)).EndMap();
}

void WriteRetraining(JsonWriter& json, const RetrainingRecord& retraining) {
  MembersOf(json.BeginMap())("stream", retraining.stream);
  MembersOf(json)("configuration", retraining.configuration);
  MembersOf(json)("start_seconds", retraining.start_seconds);
  MembersOf(json)("end_seconds", retraining.end_seconds);
  MembersOf(json)("predicted_accuracy", retraining.predicted_accuracy);
  MembersOf(json)("predicted_device_seconds", retraining.predicted_device_seconds);
  MembersOf(json)("predicted_spread", retraining.predicted_spread);
  MembersOf(json)("achieved_accuracy", retraining.achieved_accuracy);
  MembersOf(json)("device_seconds", retraining.device_seconds);
  MembersOf(json)("outcome", retraining.outcome).EndMap();
}

void WriteCorrection(JsonWriter& json, const CorrectionRecord& correction) {
  MembersOf(json.BeginMap())("time_seconds", correction.time_seconds);
  MembersOf(json)("stream", correction.stream)("configuration", correction.configuration);
  MembersOf(json)("what", correction.what)("predicted", correction.predicted);
  MembersOf(json)("corrected", correction.corrected).EndMap();
}

void WriteWindow(JsonWriter& json, const WindowRecord& window) {
  MembersOf(json.BeginMap())("window", window.window);
  MembersOf(json)("start_seconds", window.start_seconds)("end_seconds", window.end_seconds);
  MembersOf(json)("labelling_seconds", window.labelling_seconds);
  MembersOf(json)("profiling_seconds", window.profiling_seconds);
  MembersOf(json)("preparation_devices", window.preparation_devices);
  MembersOf(json)("profiling_device_seconds", window.profiling_device_seconds);
  json.Key("labels").BeginMap();
  for (const auto& [stream, labels] : window.labels) {
    MembersOf(json.Key(ValidUtf8(stream)).BeginMap())("samples", labels.samples);
    WriteCounts(json, "samples_per_class", labels.samples_per_class);
    MembersOf(json)("judged_accuracy", labels.judged_accuracy)("judged", labels.judged);
    MembersOf(json)("held_out_accuracy", labels.held_out_accuracy)("held_out", labels.held_out);
    json.EndMap();
  }
  json.EndMap().Key("profiles").BeginMap();
  for (const auto& [stream, profiles] : window.profiles) {
    json.Key(ValidUtf8(stream)).BeginList();
    for (const RetrainingProfile& profile : profiles) WriteProfile(json, profile);
    json.EndList();
  }
  json.EndMap().Key("decisions").BeginList();
  for (const Decision& decision : window.decisions) WriteDecision(json, decision);
  json.EndList().Key("retrainings").BeginList();
  for (const RetrainingRecord& retraining : window.retrainings) WriteRetraining(json, retraining);
  json.EndList().Key("corrections").BeginList();
  for (const CorrectionRecord& correction : window.corrections) WriteCorrection(json, correction);
  json.EndList();
  json.Key("drift").BeginMap();
  for (const auto& [stream, finding] : window.drift) {
    MembersOf(json.Key(ValidUtf8(stream)).BeginMap())("drifted", finding.drifted);
    MembersOf(json)("p_served", finding.p_served)("p_golden", finding.p_golden);
    MembersOf(json)("skipped", finding.skipped)("reason", finding.reason).EndMap();
  }
  MembersOf(json.EndMap())("ended_early", window.ended_early);
  WriteTexts(json, "warnings", window.warnings);
  MembersOf(json)("stopped", window.stopped).EndMap();
}

void WriteStream(JsonWriter& json, const StreamRecord& stream, std::size_t most_intervals) {
  MembersOf(json.BeginMap())("id", stream.id);
  MembersOf(json)("accuracy_source", stream.accuracy_source);
  WriteTexts(json, "classes", stream.classes);
  MembersOf(json)("mean_accuracy", stream.mean_accuracy)("frames", stream.frames);
  MembersOf(json)("accuracy_low", stream.accuracy_low)("accuracy_high", stream.accuracy_high);
  MembersOf(json)("frames_skipped", stream.frames_skipped);
  MembersOf(json)("analyses_missed", stream.analyses_missed);
  json.Key("intervals").BeginList();
  for (const StreamInterval& interval : Thinned(stream.intervals, most_intervals)) {
    MembersOf(json.BeginMap())("from_seconds", interval.from_seconds);
    MembersOf(json)("to_seconds", interval.to_seconds)("frames", interval.frames);
    MembersOf(json)("frames_skipped", interval.frames_skipped).Key("accuracy");
    if (interval.accuracy >= 0) {
      json.Number(interval.accuracy);
    } else {
      json.Null();
    }
    WriteCounts(json, "class_counts", interval.class_counts);
    MembersOf(json)("inference_cores", interval.inference_cores);
    MembersOf(json)("retraining_cores", interval.retraining_cores).EndMap();
  }
  json.EndList().EndMap();
}

/// Nothing where the record has every window.
void WriteEarlier(JsonWriter& json, const EarlierWindows& earlier) {
  if (earlier.windows == 0 && earlier.warnings == 0) return;
  MembersOf(json.Key("earlier").BeginMap())("windows", earlier.windows);
  MembersOf(json)("until_seconds", earlier.until_seconds);
  json.Key("retrainings").BeginMap();
  for (const auto& [stream, count] : earlier.retrainings) {
    MembersOf(json)(ValidUtf8(stream), count);
  }
  json.EndMap().Key("swaps").BeginMap();
  for (const auto& [stream, count] : earlier.swaps) MembersOf(json)(ValidUtf8(stream), count);
  MembersOf(json.EndMap())("warnings", earlier.warnings).EndMap();
}

// --- Reading ---

/// `node` as JSON text again, for the readers of formats that a run carries inside.
void Print(const Node& node, JsonWriter& json) {
  switch (node.kind) {
    case Node::Kind::kNull:
      json.Null();
      break;
    case Node::Kind::kBool:
      json.Flag(node.boolean);
      break;
    case Node::Kind::kNumber:
      json.Json(node.text);
      break;
    case Node::Kind::kString:
      json.Text(node.text);
      break;
    case Node::Kind::kList:
      json.BeginList();
      for (const Node& item : node.items) Print(item, json);
      json.EndList();
      break;
    case Node::Kind::kMap:
      json.BeginMap();
      for (const auto& [key, member] : node.members) {
        json.Key(key);
        Print(member, json);
      }
      json.EndMap();
      break;
  }
}

/// Reads the map `key` with the reader of its own format. Its lines are counted from its start.
template <typename T>
void ReadInner(MapReader& map, const std::string& key, T* value,
               Result<T> (*read)(std::string_view, const std::string&)) {
  const Node* node = map.Map(key);
  if (node == nullptr) return;
  JsonWriter json(JsonWriter::Layout::kOneLine);
  Print(*node, json);
  Result<T> inner =
      read(json.Take(), fmt::format("{}:{}: {}", map.file(), node->line, map.PathOf(key)));
  if (inner.ok()) {
    *value = *std::move(inner);
  } else {
    map.Merge(inner.error());
  }
}

void ReadCounts(MapReader& map, const std::string& key, std::vector<int>* counts) {
  std::vector<double> numbers;
  if (!map.ReadNumbers(key, &numbers, {0, kMaxInt})) return;
  for (const double number : numbers) counts->push_back(static_cast<int>(number));
}

Status ReadProfile(const Node& node, const std::string& file, const std::string& path,
                   RetrainingProfile* profile) {
  MapReader map(node, file, path);
  map.Read("id", &profile->id);
  ReadNumberOrNull(map, "accuracy", kMissing, &profile->accuracy);
  ReadNumberOrNull(map, "device_seconds", kMissing, &profile->device_seconds);
  ReadNumberOrNull(map, "spread", kMissing, &profile->spread);
  return map.Finish();
}

Status ReadDecision(const Node& node, const std::string& file, const std::string& path,
                    Decision* decision) {
  MapReader map(node, file, path);
  map.Read("time_seconds", &decision->time_seconds, {-kMax, kMax});
  map.Read("reason", &decision->reason);
  ReadInner(map, "situation", &decision->situation, ReadSituation);
  ReadInner(map, "schedule", &decision->schedule, ReadSchedule);
  return map.Finish();
}

Status ReadRetraining(const Node& node, const std::string& file, const std::string& path,
                      RetrainingRecord* retraining) {
  MapReader map(node, file, path);
  map.Read("stream", &retraining->stream);
  map.Read("configuration", &retraining->configuration);
  map.Read("start_seconds", &retraining->start_seconds, {-kMax, kMax});
  map.Read("end_seconds", &retraining->end_seconds, {-kMax, kMax});
  ReadNumberOrNull(map, "predicted_accuracy", kMissing, &retraining->predicted_accuracy);
  ReadNumberOrNull(map, "predicted_device_seconds", kMissing,
                   &retraining->predicted_device_seconds);
  map.Optional();
  ReadNumberOrNull(map, "predicted_spread", 0, &retraining->predicted_spread);
  ReadNumberOrNull(map, "achieved_accuracy", kMissing, &retraining->achieved_accuracy);
  ReadNumberOrNull(map, "device_seconds", kMissing, &retraining->device_seconds);
  map.Read("outcome", &retraining->outcome);
  return map.Finish();
}

Status ReadCorrection(const Node& node, const std::string& file, const std::string& path,
                      CorrectionRecord* correction) {
  MapReader map(node, file, path);
  map.Read("time_seconds", &correction->time_seconds, {-kMax, kMax});
  map.Read("stream", &correction->stream);
  map.Read("configuration", &correction->configuration);
  map.ReadOneOf("what", &correction->what, {"accuracy", "device_seconds"});
  ReadNumberOrNull(map, "predicted", kMissing, &correction->predicted);
  ReadNumberOrNull(map, "corrected", kMissing, &correction->corrected);
  return map.Finish();
}

Status ReadWindow(const Node& node, const std::string& file, const std::string& path,
                  WindowRecord* window) {
  MapReader map(node, file, path);
  map.Read("window", &window->window, {-1e9, 1e9});
  map.Read("start_seconds", &window->start_seconds, {-kMax, kMax});
  map.Read("end_seconds", &window->end_seconds, {-kMax, kMax});
  ReadNumberOrNull(map, "labelling_seconds", kMissing, &window->labelling_seconds);
  ReadNumberOrNull(map, "profiling_seconds", kMissing, &window->profiling_seconds);
  map.Optional();
  ReadNumberOrNull(map, "preparation_devices", 0, &window->preparation_devices);
  ReadNumberOrNull(map, "profiling_device_seconds", kMissing, &window->profiling_device_seconds);
  if (const Node* labels = map.Map("labels")) {
    for (const auto& [stream, summary] : labels->members) {
      MapReader inner(summary, file, map.PathOf("labels") + "." + stream);
      LabelSummary& label = window->labels[stream];
      inner.Read("samples", &label.samples, {0, kMaxInt});
      ReadCounts(inner, "samples_per_class", &label.samples_per_class);
      inner.Optional();
      ReadNumberOrNull(inner, "judged_accuracy", -1, &label.judged_accuracy);
      inner.Optional();
      inner.Read("judged", &label.judged, {0, kMaxInt});
      inner.Optional();
      ReadNumberOrNull(inner, "held_out_accuracy", -1, &label.held_out_accuracy);
      inner.Optional();
      inner.Read("held_out", &label.held_out, {0, kMaxInt});
      map.Merge(inner.Finish());
    }
  }
  if (const Node* profiles = map.Map("profiles")) {
    MapReader inner(*profiles, file, map.PathOf("profiles"));
    for (const auto& [stream, list] : profiles->members) {
      ReadList(inner, stream, &window->profiles[stream], ReadProfile);
    }
    map.Merge(inner.Finish());
  }
  ReadList(map, "decisions", &window->decisions, ReadDecision);
  ReadList(map, "retrainings", &window->retrainings, ReadRetraining);
  map.Optional();
  ReadList(map, "corrections", &window->corrections, ReadCorrection);
  map.Optional();
  if (const Node* drift = map.Map("drift")) {
    for (const auto& [stream, finding] : drift->members) {
      MapReader inner(finding, file, map.PathOf("drift") + "." + stream);
      window::DriftFinding& found = window->drift[stream];
      inner.Read("drifted", &found.drifted);
      ReadNumberOrNull(inner, "p_served", -1, &found.p_served);
      ReadNumberOrNull(inner, "p_golden", -1, &found.p_golden);
      inner.Read("skipped", &found.skipped);
      inner.Read("reason", &found.reason);
      map.Merge(inner.Finish());
    }
  }
  map.Optional();
  map.Read("ended_early", &window->ended_early);
  map.ReadStrings("warnings", &window->warnings);
  map.Read("stopped", &window->stopped);
  return map.Finish();
}

Status ReadInterval(const Node& node, const std::string& file, const std::string& path,
                    StreamInterval* interval) {
  MapReader map(node, file, path);
  map.Read("from_seconds", &interval->from_seconds, {-kMax, kMax});
  map.Read("to_seconds", &interval->to_seconds, {-kMax, kMax});
  map.Read("frames", &interval->frames, {0, kMaxInt});
  map.Read("frames_skipped", &interval->frames_skipped, {0, kMaxInt});
  ReadNumberOrNull(map, "accuracy", -1, &interval->accuracy);
  ReadCounts(map, "class_counts", &interval->class_counts);
  ReadNumberOrNull(map, "inference_cores", kMissing, &interval->inference_cores);
  ReadNumberOrNull(map, "retraining_cores", kMissing, &interval->retraining_cores);
  return map.Finish();
}

Status ReadStream(const Node& node, const std::string& file, const std::string& path,
                  StreamRecord* stream) {
  MapReader map(node, file, path);
  map.Read("id", &stream->id);
  map.Read("accuracy_source", &stream->accuracy_source);
  map.ReadStrings("classes", &stream->classes);
  ReadNumberOrNull(map, "mean_accuracy", kMissing, &stream->mean_accuracy);
  // Records from before there were intervals have none.
  map.Optional();
  ReadNumberOrNull(map, "accuracy_low", 0, &stream->accuracy_low);
  map.Optional();
  ReadNumberOrNull(map, "accuracy_high", 1, &stream->accuracy_high);
  ReadInteger(map, "frames", &stream->frames);
  ReadInteger(map, "frames_skipped", &stream->frames_skipped);
  // Records from before these were counted do not have them.
  map.Optional();
  ReadInteger(map, "analyses_missed", &stream->analyses_missed);
  ReadList(map, "intervals", &stream->intervals, ReadInterval);
  return map.Finish();
}

Status ReadSwap(const Node& node, const std::string& file, const std::string& path,
                SwapRecord* swap) {
  MapReader map(node, file, path);
  map.Read("time_seconds", &swap->time_seconds, {-kMax, kMax});
  map.Read("stream", &swap->stream);
  ReadInteger(map, "version", &swap->version);
  return map.Finish();
}

Status ReadEarlier(const Node& node, const std::string& file, EarlierWindows* earlier) {
  MapReader map(node, file, "earlier");
  map.Read("windows", &earlier->windows, {0, kMaxInt});
  map.Read("until_seconds", &earlier->until_seconds, {-kMax, kMax});
  for (const auto& [key, counts] :
       {std::pair{"retrainings", &earlier->retrainings}, {"swaps", &earlier->swaps}}) {
    const Node* const by_stream = map.Map(key);
    if (by_stream == nullptr) continue;
    MapReader inner(*by_stream, file, map.PathOf(key));
    for (const auto& [stream, count] : by_stream->members) {
      inner.Read(stream, &(*counts)[stream], {0, kMaxInt});
    }
    map.Merge(inner.Finish());
  }
  map.Read("warnings", &earlier->warnings, {0, kMaxInt});
  return map.Finish();
}

/// Compares runs of digits by their value.
bool NaturallyBefore(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      while (i + 1 < a.size() && a[i] == '0' && digit(a[i + 1])) ++i;
      while (j + 1 < b.size() && b[j] == '0' && digit(b[j + 1])) ++j;
      std::size_t i_end = i;
      std::size_t j_end = j;
      while (i_end < a.size() && digit(a[i_end])) ++i_end;
      while (j_end < b.size() && digit(b[j_end])) ++j_end;
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      const int order = a.compare(i, i_end - i, b, j, j_end - j);
      if (order != 0) return order < 0;
      i = i_end;
      j = j_end;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;
}

}  // namespace

std::string WriteRunRecord(const RunRecord& run) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  MembersOf(json.BeginMap())("format", "ekya-run/1")("scheduler", run.scheduler);
  MembersOf(json)("seed", run.seed)("devices", run.devices);
  MembersOf(json)("device_cores", run.device_cores);
  MembersOf(json)("quanta_per_device", run.quanta_per_device);
  MembersOf(json)("window_seconds", run.window_seconds);
  json.Key("device_seconds").BeginMap();
  MembersOf(json)("inference", run.inference_device_seconds);
  MembersOf(json)("retraining", run.retraining_device_seconds);
  MembersOf(json)("profiling", run.profiling_device_seconds);
  MembersOf(json)("labelling", run.labelling_device_seconds).EndMap();
  json.Key("figures").BeginMap();
  for (const auto& [name, value] : run.figures) MembersOf(json)(name, value);
  json.EndMap();
  WriteTexts(json, "warnings", run.warnings);
  WriteEarlier(json, run.earlier);
  json.Key("swaps").BeginList();
  for (const SwapRecord& swap : run.swaps) {
    MembersOf(json.BeginMap())("time_seconds", swap.time_seconds)("stream", swap.stream);
    MembersOf(json)("version", swap.version).EndMap();
  }
  json.EndList().Key("windows").BeginList();
  for (const WindowRecord& window : run.windows) WriteWindow(json, window);
  json.EndList().Key("streams").BeginList();
  std::size_t values = 0;  // Of one interval of every stream.
  for (const StreamRecord& stream : run.streams) values += 9 + stream.classes.size();
  const std::size_t most_intervals =
      std::max<std::size_t>(1, kMostIntervalValues / std::max<std::size_t>(1, values));
  for (const StreamRecord& stream : run.streams) WriteStream(json, stream, most_intervals);
  return json.EndList().EndMap().Take();
}

Result<RunRecord> ReadRunRecord(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node root, ParseJson(text, file));
  RunRecord run;
  MapReader map(root, file, "");
  std::string format;
  map.ReadOneOf("format", &format, {"ekya-run/1"});
  map.Read("scheduler", &run.scheduler);
  ReadInteger(map, "seed", &run.seed);
  map.Read("devices", &run.devices, {0, 1e6});
  map.Read("device_cores", &run.device_cores, {0, kMax});
  map.Read("quanta_per_device", &run.quanta_per_device, {1, 1e6});
  map.Read("window_seconds", &run.window_seconds, {0, kMax});
  if (const Node* seconds = map.Map("device_seconds")) {
    MapReader inner(*seconds, file, "device_seconds");
    ReadNumberOrNull(inner, "inference", kMissing, &run.inference_device_seconds);
    ReadNumberOrNull(inner, "retraining", kMissing, &run.retraining_device_seconds);
    ReadNumberOrNull(inner, "profiling", kMissing, &run.profiling_device_seconds);
    ReadNumberOrNull(inner, "labelling", kMissing, &run.labelling_device_seconds);
    map.Merge(inner.Finish());
  }
  if (const Node* figures = map.Map("figures")) {
    MapReader inner(*figures, file, "figures");
    for (const auto& [name, value] : figures->members) {
      ReadNumberOrNull(inner, name, kMissing, &run.figures[name]);
    }
    map.Merge(inner.Finish());
  }
  map.ReadStrings("warnings", &run.warnings);
  if (const Node* earlier = map.Optional().Map("earlier")) {
    map.Merge(ReadEarlier(*earlier, file, &run.earlier));
  }
  ReadList(map, "swaps", &run.swaps, ReadSwap);
  ReadList(map, "windows", &run.windows, ReadWindow);
  ReadList(map, "streams", &run.streams, ReadStream);
  EKYA_RETURN_IF_ERROR(map.Finish());
  return run;
}

Status SaveRunRecord(const std::filesystem::path& directory, const RunRecord& run) {
  return WriteFileAtomically(directory / "run.json", WriteRunRecord(run));
}

Result<std::vector<RunRecord>> LoadRunRecords(
    const std::vector<std::filesystem::path>& directories) {
  namespace fs = std::filesystem;
  std::vector<RunRecord> runs;
  for (const fs::path& directory : directories) {
    std::error_code code;
    std::vector<fs::path> files;
    auto entry = fs::recursive_directory_iterator(directory, code);
    for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
      std::error_code ignored;
      if (entry->path().filename() == "run.json" && entry->is_regular_file(ignored)) {
        files.push_back(entry->path());
      }
    }
    if (code) {
      const bool missing = code == std::errc::no_such_file_or_directory;
      return Error{missing ? ErrorCode::kNotFound : ErrorCode::kFailed,
                   directory.string() + ": cannot read the folder: " + code.message()};
    }
    if (files.empty()) {
      return Error{ErrorCode::kNotFound,
                   directory.string() +
                       ": found no run.json in it or below, expected the output "
                       "folder of a run"};
    }
    std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
      return NaturallyBefore(a.string(), b.string());
    });
    for (const fs::path& file : files) {
      EKYA_ASSIGN(const std::string text, ReadFile(file, kMaxJsonBytes));
      EKYA_ASSIGN(RunRecord run, ReadRunRecord(text, file.string()));
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

}  // namespace ekya::report
