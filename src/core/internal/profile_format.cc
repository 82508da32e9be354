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

}  // namespace ekya
