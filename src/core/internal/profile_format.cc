#include "core/internal/profile_format.h"

namespace ekya {
namespace {

Status ReadProfile(const Node& node, const std::string& file, const std::string& path,
                   InferenceProfile* profile) {
  MapReader map(node, file, path);
  map.ReadId("id", &profile->id);
  map.Read("share", &profile->share, kFraction);
  map.Read("factor", &profile->factor, kFraction);
  return map.Finish();
}

}  // namespace

void ReadInference(MapReader& map, std::vector<InferenceProfile>* profiles) {
  ReadDistinct(map, "inference", profiles, ReadProfile, {.least = 1, .most = kMaxProfiles});
}

void WriteInference(JsonWriter& json, const std::vector<InferenceProfile>& profiles) {
  json.Key("inference").BeginList();
  for (const InferenceProfile& profile : profiles) {
    json.BeginMap();
    json.Key("id").Text(profile.id);
    json.Key("share").Number(profile.share);
    json.Key("factor").Number(profile.factor);
    json.EndMap();
  }
  json.EndList();
}

void ReadThroughput(MapReader& map, std::vector<ThroughputPoint>* curve) {
  const Node* const list = map.Optional().List("throughput", kMaxProfiles);
  if (list == nullptr) return;
  ThroughputPoint before;
  for (const Node& point : list->items) {
    const bool pair = point.kind == Node::Kind::kList && point.items.size() == 2 &&
                      point.items[0].kind == Node::Kind::kNumber &&
                      point.items[1].kind == Node::Kind::kNumber;
    const bool valid =
        pair &&
        Contains({.low = before.share, .high = 1, .low_open = true}, point.items[0].number) &&
        Contains({.low = before.speed, .high = 1, .low_open = curve->empty()},
                 point.items[1].number) &&
        (point.items[0].number < 1 || point.items[1].number == 1);
    if (!valid) {
      return map.Merge(Error{
          ErrorCode::kInvalid,
          fmt::format(
              "{}:{}: {}: found {}, expected [share above {} up to 1, speed {} {} up to "
              "1, 1 where the share is]",
              map.file(), point.line, map.PathOf("throughput", curve->size()),
              pair ? fmt::format("[{}, {}]", Describe(point.items[0]), Describe(point.items[1]))
                   : Describe(point),
              before.share, curve->empty() ? "above" : "from", before.speed)});
    }
    before = {point.items[0].number, point.items[1].number};
    curve->push_back(before);
  }
}

void WriteThroughput(JsonWriter& json, const std::vector<ThroughputPoint>& curve) {
  if (curve.empty()) return;
  json.Key("throughput").BeginList();
  for (const ThroughputPoint& point : curve) {
    json.BeginList().Number(point.share).Number(point.speed).EndList();
  }
  json.EndList();
}

}  // namespace ekya
