#include "core/schedule.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/document.h"
#include "core/internal/profile_format.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya {
namespace {

constexpr char kScheduleFormat[] = "ekya-schedule/1";
constexpr std::size_t kMaxSegments = 1'000'000;
constexpr MapReader::Range kQuantaRange{.low = 0, .high = kMaxQuantaPerDevice};
constexpr MapReader::Range kDeviceRange{.low = 0, .high = kMaxDevices - 1};

/// The format says null where a figure or a configuration is absent.
bool IsPresent(MapReader& map, const std::string& key) {
  const Node* const node = map.Optional().Any(key);
  return node != nullptr && node->kind != Node::Kind::kNull;
}

// Bounds may lie above 1 a little, and much where they are bad.
constexpr MapReader::Range kFigureRange{.low = 0, .high = 1e6};

void ReadFigure(MapReader& map, const std::string& key, std::optional<double>* figure) {
  if (IsPresent(map, key)) map.Read(key, &figure->emplace(), kFigureRange);
}

Status ReadJob(const Node& node, const std::string& file, const std::string& path,
               Allocation* job) {
  MapReader map(node, file, path);
  map.ReadId("stream", &job->stream);
  if (IsPresent(map, "inference")) map.ReadId("inference", &job->inference);
  map.Optional().Read("inference_quanta", &job->inference_quanta, kQuantaRange);
  map.Optional().Read("inference_device", &job->inference_device, kDeviceRange);
  if (IsPresent(map, "retraining")) map.ReadId("retraining", &job->retraining);
  map.Optional().Read("retraining_quanta", &job->retraining_quanta, kQuantaRange);
  map.Optional().Read("retraining_device", &job->retraining_device, kDeviceRange);
  if (job->retraining_quanta > 0 && job->retraining.empty()) {
    map.Fail("retraining", "a name, since it has quanta");
  }
  if (job->inference_quanta > 0 && !map.Has("inference_device")) {
    map.Fail("inference_device", "a device, since the job has quanta");
  }
  if (job->retraining_quanta > 0 && !map.Has("retraining_device")) {
    map.Fail("retraining_device", "a device, since the job has quanta");
  }
  return map.Finish();
}

Status ReadSegment(const Node& node, const std::string& file, const std::string& path, double clock,
                   Segment* segment) {
  MapReader map(node, file, path);
  map.Read("from_seconds", &segment->from_seconds, kSeconds);
  map.Read("to_seconds", &segment->to_seconds, kSeconds);
  if (!map.failed() && std::abs(segment->from_seconds - clock) > 1e-6) {
    map.Fail("from_seconds", fmt::format("{}, where the segment before ends", clock));
  }
  if (segment->to_seconds < segment->from_seconds) {
    map.Fail("to_seconds", fmt::format("at least from_seconds, {}", segment->from_seconds));
  }
  if (const Node* const jobs = map.List("jobs", kMaxStreams)) {
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < jobs->items.size() && !map.failed(); ++i) {
      Allocation& job = segment->jobs.emplace_back();
      map.Merge(ReadJob(jobs->items[i], file, map.PathOf("jobs", i), &job));
      if (!map.failed() && !seen.insert(job.stream).second) {
        map.Fail("jobs", "\"" + job.stream + "\" twice", "each stream once");
      }
    }
  }
  return map.Finish();
}

Status ReadExplanation(const Node& node, const std::string& file, const std::string& path,
                       Explanation* explanation) {
  MapReader map(node, file, path);
  map.ReadId("stream", &explanation->stream);
  map.Read("text", &explanation->text);
  return map.Finish();
}

void WriteJob(JsonWriter& json, const Allocation& job) {
  json.BeginMap();
  json.Key("stream").Text(job.stream);
  json.Key("inference");
  job.inference.empty() ? json.Null() : json.Text(job.inference);
  json.Key("inference_quanta").Integer(job.inference_quanta);
  if (job.inference_quanta > 0) json.Key("inference_device").Integer(job.inference_device);
  if (!job.retraining.empty()) {
    json.Key("retraining").Text(job.retraining);
    json.Key("retraining_quanta").Integer(job.retraining_quanta);
    if (job.retraining_quanta > 0) json.Key("retraining_device").Integer(job.retraining_device);
  }
  json.EndMap();
}

}  // namespace

Result<Schedule> ReadSchedule(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node node, ParseJson(text, file));
  MapReader map(node, file, "");
  Schedule schedule;
  std::string format;
  map.ReadOneOf("format", &format, {kScheduleFormat});
  map.Read("scheduler", &schedule.scheduler);
  map.Read("mean_accuracy", &schedule.mean_accuracy, kFraction);
  ReadFigure(map, "upper_bound", &schedule.upper_bound);
  map.Ignore("gap");  // Follows from the two before.
  ReadFigure(map, "static_optimum", &schedule.static_optimum);
  map.Read("floor_feasible", &schedule.floor_feasible);
  map.Read("solve_microseconds", &schedule.solve_microseconds,
           {.low = 0, .high = 1e6 * kMaxSeconds});
  if (const Node* const timeline = map.List("timeline", kMaxSegments)) {
    double clock = 0;
    for (std::size_t i = 0; i < timeline->items.size() && !map.failed(); ++i) {
      Segment& segment = schedule.timeline.emplace_back();
      map.Merge(ReadSegment(timeline->items[i], file, map.PathOf("timeline", i), clock, &segment));
      clock = segment.to_seconds;
    }
  }
  if (const Node* const list = map.List("explanations", kMaxStreams)) {
    for (std::size_t i = 0; i < list->items.size() && !map.failed(); ++i) {
      map.Merge(ReadExplanation(list->items[i], file, map.PathOf("explanations", i),
                                &schedule.explanations.emplace_back()));
    }
  }
  if (const Node* const list = map.Optional().List("outcome", kMaxStreams)) {
    for (std::size_t i = 0; i < list->items.size() && !map.failed(); ++i) {
      EndAccuracy& end = schedule.outcome.emplace_back();
      MapReader item(list->items[i], file, map.PathOf("outcome", i));
      item.ReadId("stream", &end.stream);
      item.Read("accuracy", &end.accuracy, kFraction);
      map.Merge(item.Finish());
    }
  }
  EKYA_RETURN_IF_ERROR(map.Finish());
  return schedule;
}

Status StartFrom(const Schedule& earlier, Situation* next) {
  for (StreamSituation& stream : next->streams) {
    const auto end =
        std::find_if(earlier.outcome.begin(), earlier.outcome.end(),
                     [&](const EndAccuracy& each) { return each.stream == stream.id; });
    if (end == earlier.outcome.end()) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("outcome: found no stream {}, expected the streams of the situation",
                               stream.id)};
    }
    stream.accuracy = end->accuracy;
  }
  return {};
}

std::string WriteSchedule(const Schedule& schedule) {
  const auto write_figure = [](JsonWriter& json, const std::optional<double>& figure) {
    figure ? json.Number(*figure) : json.Null();
  };
  JsonWriter json;
  json.BeginMap();
  json.Key("format").Text(kScheduleFormat);
  json.Key("scheduler").Text(schedule.scheduler);
  json.Key("mean_accuracy").Number(schedule.mean_accuracy);
  json.Key("upper_bound");
  write_figure(json, schedule.upper_bound);
  json.Key("gap");
  write_figure(json, schedule.upper_bound
                         ? std::optional(*schedule.upper_bound - schedule.mean_accuracy)
                         : std::nullopt);
  if (schedule.static_optimum) json.Key("static_optimum").Number(*schedule.static_optimum);
  json.Key("floor_feasible").Flag(schedule.floor_feasible);
  json.Key("solve_microseconds").Number(schedule.solve_microseconds);
  json.Key("timeline").BeginList();
  for (const Segment& segment : schedule.timeline) {
    json.BeginMap();
    json.Key("from_seconds").Number(segment.from_seconds);
    json.Key("to_seconds").Number(segment.to_seconds);
    json.Key("jobs").BeginList();
    for (const Allocation& job : segment.jobs) WriteJob(json, job);
    json.EndList();
    json.EndMap();
  }
  json.EndList();
  json.Key("explanations").BeginList();
  for (const Explanation& explanation : schedule.explanations) {
    json.BeginMap();
    json.Key("stream").Text(explanation.stream);
    json.Key("text").Text(explanation.text);
    json.EndMap();
  }
  json.EndList();
  if (!schedule.outcome.empty()) {
    json.Key("outcome").BeginList();
    for (const EndAccuracy& end : schedule.outcome) {
      json.BeginMap();
      json.Key("stream").Text(end.stream);
      json.Key("accuracy").Number(end.accuracy);
      json.EndMap();
    }
    json.EndList();
  }
  json.EndMap();
  return json.Take();
}

}  // namespace ekya
