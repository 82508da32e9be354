#include "core/situation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/document.h"
#include "core/internal/profile_format.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya {
namespace {

constexpr char kSituationFormat[] = "ekya-situation/1";

Status ReadRetraining(const Node& node, const std::string& file, const std::string& path,
                      RetrainingProfile* profile) {
  MapReader map(node, file, path);
  map.ReadId("id", &profile->id);
  map.Read("accuracy", &profile->accuracy, kFraction);
  map.Read("device_seconds", &profile->device_seconds, kSeconds);
  map.Optional().Read("spread", &profile->spread, kFraction);
  return map.Finish();
}

Status ReadRunning(const Node& node, const std::string& file, const std::string& path, int devices,
                   RunningRetraining* running) {
  MapReader map(node, file, path);
  map.ReadId("id", &running->id);
  map.Read("device", &running->device, {.low = 0, .high = devices - 1.0});
  map.Read("device_seconds", &running->device_seconds, kSeconds);
  return map.Finish();
}

Status ReadStream(const Node& node, const std::string& file, const std::string& path, int devices,
                  StreamSituation* stream) {
  MapReader map(node, file, path);
  map.ReadId("id", &stream->id);
  map.Read("accuracy", &stream->accuracy, kFraction);
  ReadInference(map, &stream->inference);
  ReadDistinct(map, "retraining", &stream->retraining, ReadRetraining);
  if (const Node* const running = map.Optional().Map("running")) {
    stream->running.emplace();
    map.Merge(ReadRunning(*running, file, map.PathOf("running"), devices, &*stream->running));
    const bool known = std::ranges::any_of(stream->retraining, [&](const RetrainingProfile& each) {
      return each.id == stream->running->id;
    });
    if (!known) map.Fail("running", "\"" + stream->running->id + "\"", "an id of its retraining");
  }
  map.Optional().Read("retrained", &stream->retrained);
  map.Optional().Read("weight", &stream->weight, {.low = 0, .high = kMaxWeight, .low_open = true});
  ReadThroughput(map, &stream->throughput);
  if (stream->retrained && stream->running) {
    map.Fail("retrained", "false where a retraining is running");
  }
  return map.Finish();
}

}  // namespace

Quanta QuantaFor(double share, Quanta quanta_per_device) {
  return std::max(0, static_cast<Quanta>(std::ceil(share * quanta_per_device - 1e-9)));
}

double Speed(const std::vector<ThroughputPoint>& curve, double share) {
  if (curve.empty()) return share;
  ThroughputPoint before;
  for (const ThroughputPoint& point : curve) {
    if (share <= point.share) {
      return before.speed +
             (point.speed - before.speed) * (share - before.share) / (point.share - before.share);
    }
    before = point;
  }
  if (before.share >= 1) return 1;
  return before.speed + (1 - before.speed) * (share - before.share) / (1 - before.share);
}

Result<Situation> ReadSituation(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node node, ParseJson(text, file));
  MapReader map(node, file, "");
  Situation situation;
  std::string format;
  map.ReadOneOf("format", &format, {kSituationFormat});
  map.Read("window_seconds", &situation.window_seconds, kWindowSeconds);
  map.Read("devices", &situation.devices, {.low = 1, .high = kMaxDevices});
  map.Read("quanta_per_device", &situation.quanta_per_device,
           {.low = 1, .high = kMaxQuantaPerDevice});
  map.Read("accuracy_floor", &situation.accuracy_floor, kFraction);
  map.Ignore("expected");
  ReadDistinct(map, "streams", &situation.streams,
               [&](const Node& stream, const std::string& name, const std::string& path,
                   StreamSituation* value) {
                 return ReadStream(stream, name, path, situation.devices, value);
               },
               {.least = 1, .most = kMaxStreams});
  EKYA_RETURN_IF_ERROR(map.Finish());
  return situation;
}

std::string WriteSituation(const Situation& situation) {
  JsonWriter json;
  json.BeginMap();
  json.Key("format").Text(kSituationFormat);
  json.Key("window_seconds").Number(situation.window_seconds);
  json.Key("devices").Integer(situation.devices);
  json.Key("quanta_per_device").Integer(situation.quanta_per_device);
  json.Key("accuracy_floor").Number(situation.accuracy_floor);
  json.Key("streams").BeginList();
  for (const StreamSituation& stream : situation.streams) {
    json.BeginMap();
    json.Key("id").Text(stream.id);
    json.Key("accuracy").Number(stream.accuracy);
    WriteInference(json, stream.inference);
    json.Key("retraining").BeginList();
    for (const RetrainingProfile& retraining : stream.retraining) {
      json.BeginMap();
      json.Key("id").Text(retraining.id);
      json.Key("accuracy").Number(retraining.accuracy);
      json.Key("device_seconds").Number(retraining.device_seconds);
      if (retraining.spread != 0) json.Key("spread").Number(retraining.spread);
      json.EndMap();
    }
    json.EndList();
    if (stream.running) {
      json.Key("running").BeginMap();
      json.Key("id").Text(stream.running->id);
      json.Key("device").Integer(stream.running->device);
      json.Key("device_seconds").Number(stream.running->device_seconds);
      json.EndMap();
    }
    if (stream.retrained) json.Key("retrained").Flag(true);
    if (stream.weight != 1) json.Key("weight").Number(stream.weight);
    WriteThroughput(json, stream.throughput);
    json.EndMap();
  }
  json.EndList();
  json.EndMap();
  return json.Take();
}

}  // namespace ekya
