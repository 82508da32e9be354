#include "platform/registry/manifest.h"

#include <algorithm>
#include <vector>

#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya::registry {
namespace {

constexpr char kModelFormat[] = "ekya-model/1";
constexpr Verdict kVerdicts[] = {Verdict::kFirst, Verdict::kCandidate, Verdict::kPromoted,
                                 Verdict::kRejected, Verdict::kQuarantined};
constexpr double kLargestInteger =
    9007199254740992;  // 2^53: a double holds every integer up to it.

bool ReadInteger(MapReader& map, const std::string& key, double low, std::int64_t* value) {
  double number = 0;
  if (!map.Read(key, &number, {.low = low, .high = kLargestInteger})) return false;
  *value = static_cast<std::int64_t>(number);
  if (static_cast<double>(*value) == number) return true;
  map.Fail(key, "a whole number");
  return false;
}

Status ReadAccuracy(const Node& node, const std::string& file, const std::string& path,
                    MeasuredAccuracy* accuracy) {
  MapReader map(node, file, path);
  map.Read("value", &accuracy->accuracy, kFraction);
  map.Read("low", &accuracy->low, kFraction);
  map.Read("high", &accuracy->high, kFraction);
  map.Read("samples", &accuracy->samples, AtLeast(0));
  map.ReadOneOf("source", &accuracy->source, {"truth", "golden", "estimated"});
  return map.Finish();
}

Status ReadDigests(const Node& node, const std::string& file, const std::string& path,
                   std::map<std::string, std::string>* digests) {
  MapReader map(node, file, path);
  for (const auto& [name, value] : node.members) {
    std::string& digest = (*digests)[name];
    if (!map.Read(name, &digest)) break;
    if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
      map.Fail(name, "64 hexadecimal digits");
    }
    if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
      map.Fail(name, "the name of a file beside the manifest");
    }
  }
  return map.Finish();
}

}  // namespace

const char* Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFirst:
      return "first";
    case Verdict::kCandidate:
      return "candidate";
    case Verdict::kPromoted:
      return "promoted";
    case Verdict::kRejected:
      return "rejected";
    case Verdict::kQuarantined:
      return "quarantined";
  }
  return "";
}

std::string WriteManifest(const Manifest& manifest) {
  JsonWriter json;
  json.BeginMap().Key("format").Text(kModelFormat);
  json.Key("stream").Text(manifest.stream);
  json.Key("version").Integer(manifest.version);
  json.Key("parent").Integer(manifest.parent);
  json.Key("window").Number(manifest.window);
  json.Key("configuration").Text(manifest.configuration);
  json.Key("accuracy").BeginMap();
  json.Key("value").Number(manifest.accuracy.accuracy);
  json.Key("low").Number(manifest.accuracy.low);
  json.Key("high").Number(manifest.accuracy.high);
  json.Key("samples").Number(manifest.accuracy.samples);
  json.Key("source").Text(manifest.accuracy.source).EndMap();
  json.Key("device_seconds").Number(manifest.device_seconds);
  json.Key("temperature").Number(manifest.temperature);
  json.Key("classes").BeginList();
  for (const std::string& name : manifest.classes) json.Text(name);
  json.EndList();
  json.Key("decision").Text(Name(manifest.verdict));
  json.Key("reason").Text(manifest.reason);
  json.Key("created_seconds").Number(manifest.created_seconds);
  json.Key("sha256").BeginMap();
  for (const auto& [name, digest] : manifest.sha256) json.Key(name).Text(digest);
  json.EndMap().EndMap();
  return json.Take();
}

Result<Manifest> ReadManifest(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node root, ParseJson(text, file));
  MapReader map(root, file, "");
  Manifest manifest;
  std::string format;
  map.ReadOneOf("format", &format, {kModelFormat});
  map.ReadId("stream", &manifest.stream);
  ReadInteger(map, "version", 1, &manifest.version);
  ReadInteger(map, "parent", 0, &manifest.parent);
  map.Read("window", &manifest.window, AtLeast(0));
  map.Read("configuration", &manifest.configuration);
  if (const Node* accuracy = map.Map("accuracy")) {
    map.Merge(ReadAccuracy(*accuracy, file, map.PathOf("accuracy"), &manifest.accuracy));
  }
  map.Read("device_seconds", &manifest.device_seconds, AtLeast(0));
  // Manifests from before scores were calibrated, and before versions had classes of their own,
  // have none.
  map.Optional();
  map.Read("temperature", &manifest.temperature, {.low = 1e-3, .high = 1e3});
  if (map.Has("classes")) map.ReadStrings("classes", &manifest.classes);
  std::vector<std::string> verdicts;
  for (const Verdict verdict : kVerdicts) verdicts.emplace_back(Name(verdict));
  if (std::string word; map.ReadOneOf("decision", &word, verdicts)) {
    manifest.verdict =
        *std::ranges::find(kVerdicts, word, [](Verdict known) { return Name(known); });
  }
  map.Read("reason", &manifest.reason);
  map.Read("created_seconds", &manifest.created_seconds, AtLeast(0));
  if (const Node* digests = map.Map("sha256")) {
    map.Merge(ReadDigests(*digests, file, map.PathOf("sha256"), &manifest.sha256));
  }
  EKYA_RETURN_IF_ERROR(map.Finish());
  return manifest;
}

}  // namespace ekya::registry
