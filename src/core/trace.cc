#include "core/trace.h"

#include "core/document.h"
#include "core/internal/profile_format.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya {
namespace {

constexpr char kTraceFormat[] = "ekya-trace/1";
constexpr std::size_t kMaxWindows = 100'000;
constexpr double kSecondsOfDay = 86400;
constexpr double kMostObjects = 1e6;
constexpr double kFarthest = 1e8;  // Metres.

Status ReadEstimate(const Node& node, const std::string& file, const std::string& path,
                    TracedRetraining* retraining) {
  MapReader map(node, file, path);
  map.Read("accuracy", &retraining->estimated_accuracy, kFraction);
  map.Read("device_seconds", &retraining->estimated_device_seconds, kSeconds);
  return map.Finish();
}

/// A list of [device_seconds, accuracy] in order of time.
void ReadCurve(MapReader& map, std::vector<std::pair<double, double>>* curve) {
  const Node* const list = map.Optional().List("curve");
  if (list == nullptr) return;
  double clock = 0;
  for (const Node& point : list->items) {
    const bool pair = point.kind == Node::Kind::kList && point.items.size() == 2 &&
                      point.items[0].kind == Node::Kind::kNumber &&
                      point.items[1].kind == Node::Kind::kNumber;
    if (!pair || !Contains({.low = clock, .high = kMaxSeconds}, point.items[0].number) ||
        !Contains(kFraction, point.items[1].number)) {
      const std::size_t at = curve->size();
      return map.Merge(Error{
          ErrorCode::kInvalid,
          fmt::format(
              "{}:{}: {}: found {}, expected [device seconds of at least {}, accuracy from "
              "0 to 1]",
              map.file(), point.line, map.PathOf("curve", at),
              pair ? fmt::format("[{}, {}]", Describe(point.items[0]), Describe(point.items[1]))
                   : Describe(point),
              clock)});
    }
    clock = point.items[0].number;
    curve->emplace_back(clock, point.items[1].number);
  }
}

Status ReadTracedRetraining(const Node& node, const std::string& file, const std::string& path,
                            TracedRetraining* retraining) {
  MapReader map(node, file, path);
  map.ReadId("id", &retraining->id);
  map.Read("accuracy", &retraining->accuracy, kFraction);
  map.Read("device_seconds", &retraining->device_seconds, kSeconds);
  ReadCurve(map, &retraining->curve);
  if (const Node* const estimate = map.Map("estimate")) {
    map.Merge(ReadEstimate(*estimate, file, map.PathOf("estimate"), retraining));
  }
  map.Optional().ReadNumbers("later", &retraining->later, kFraction);
  return map.Finish();
}

Status ReadWindow(const Node& node, const std::string& file, const std::string& path,
                  TracedWindow* window) {
  MapReader map(node, file, path);
  map.Read("accuracy", &window->accuracy, kFraction);
  map.Optional().Read("labelling_seconds", &window->labelling_seconds, kSeconds);
  map.Optional().Read("profiling_seconds", &window->profiling_seconds, kSeconds);
  ReadDistinct(map, "retraining", &window->retraining, ReadTracedRetraining);
  map.Optional().ReadNumbers("class_mix", &window->class_mix, kFraction);
  if (map.Has("seconds_of_day")) {
    map.Read("seconds_of_day", &window->seconds_of_day.emplace(),
             {.low = 0, .high = kSecondsOfDay});
  }
  if (map.Has("objects")) {
    map.Read("objects", &window->objects.emplace(), {.low = 0, .high = kMostObjects});
  }
  map.Optional().ReadNumbers("location", &window->location, {.low = -kFarthest, .high = kFarthest});
  return map.Finish();
}

Status ReadTracedStream(const Node& node, const std::string& file, const std::string& path,
                        TracedStream* stream) {
  MapReader map(node, file, path);
  map.ReadId("id", &stream->id);
  ReadInference(map, &stream->inference);
  map.Optional().Read("weight", &stream->weight, {.low = 0, .high = kMaxWeight, .low_open = true});
  ReadThroughput(map, &stream->throughput);
  if (const Node* const windows = map.List("windows", kMaxWindows)) {
    if (windows->items.empty()) map.Fail("windows", "at least one");
    for (std::size_t i = 0; i < windows->items.size() && !map.failed(); ++i) {
      map.Merge(ReadWindow(windows->items[i], file, map.PathOf("windows", i),
                           &stream->windows.emplace_back()));
    }
  }
  return map.Finish();
}

void WriteNumbers(JsonWriter& json, const std::string& key, const std::vector<double>& values) {
  if (values.empty()) return;
  json.Key(key).BeginList();
  for (const double value : values) json.Number(value);
  json.EndList();
}

void WriteRetraining(JsonWriter& json, const TracedRetraining& retraining) {
  json.BeginMap();
  json.Key("id").Text(retraining.id);
  json.Key("accuracy").Number(retraining.accuracy);
  json.Key("device_seconds").Number(retraining.device_seconds);
  if (!retraining.curve.empty()) {
    json.Key("curve").BeginList();
    for (const auto& [device_seconds, accuracy] : retraining.curve) {
      json.BeginList().Number(device_seconds).Number(accuracy).EndList();
    }
    json.EndList();
  }
  json.Key("estimate").BeginMap();
  json.Key("accuracy").Number(retraining.estimated_accuracy);
  json.Key("device_seconds").Number(retraining.estimated_device_seconds);
  json.EndMap();
  WriteNumbers(json, "later", retraining.later);
  json.EndMap();
}

}  // namespace

Result<Trace> ReadTrace(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node node, ParseJson(text, file));
  MapReader map(node, file, "");
  Trace trace;
  std::string format;
  map.ReadOneOf("format", &format, {kTraceFormat});
  map.Read("window_seconds", &trace.window_seconds, kWindowSeconds);
  ReadDistinct(map, "streams", &trace.streams, ReadTracedStream, {.least = 1, .most = kMaxStreams});
  EKYA_RETURN_IF_ERROR(map.Finish());
  return trace;
}

std::string WriteTrace(const Trace& trace) {
  JsonWriter json;
  json.BeginMap();
  json.Key("format").Text(kTraceFormat);
  json.Key("window_seconds").Number(trace.window_seconds);
  json.Key("streams").BeginList();
  for (const TracedStream& stream : trace.streams) {
    json.BeginMap();
    json.Key("id").Text(stream.id);
    WriteInference(json, stream.inference);
    if (stream.weight != 1) json.Key("weight").Number(stream.weight);
    WriteThroughput(json, stream.throughput);
    json.Key("windows").BeginList();
    for (const TracedWindow& window : stream.windows) {
      json.BeginMap();
      json.Key("accuracy").Number(window.accuracy);
      json.Key("labelling_seconds").Number(window.labelling_seconds);
      json.Key("profiling_seconds").Number(window.profiling_seconds);
      json.Key("retraining").BeginList();
      for (const TracedRetraining& retraining : window.retraining) {
        WriteRetraining(json, retraining);
      }
      json.EndList();
      WriteNumbers(json, "class_mix", window.class_mix);
      if (window.seconds_of_day) json.Key("seconds_of_day").Number(*window.seconds_of_day);
      if (window.objects) json.Key("objects").Number(*window.objects);
      WriteNumbers(json, "location", window.location);
      json.EndMap();
    }
    json.EndList();
    json.EndMap();
  }
  json.EndList();
  json.EndMap();
  return json.Take();
}

}  // namespace ekya
