#pragma once

#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "core/json_writer.h"
#include "core/map_reader.h"
#include "core/situation.h"

// What the formats of situations, schedules and traces share.
namespace ekya {

/// A year: enough for every window, small enough that sums and products stay exact enough.
inline constexpr double kMaxSeconds = 366 * 86400.0;
inline constexpr MapReader::Range kWindowSeconds{.low = 0, .high = kMaxSeconds, .low_open = true};
inline constexpr MapReader::Range kSeconds{.low = 0, .high = kMaxSeconds};

struct Sizes {
  std::size_t least = 0;
  std::size_t most = kMaxProfiles;
};

/// Reads the list at `key` with `read_one(node, file, path, &item)` per item; items have an `id`,
/// which must differ.
template <typename Item, typename ReadOne>
void ReadDistinct(MapReader& map, const std::string& key, std::vector<Item>* items,
                  ReadOne read_one, Sizes sizes = {}) {
  const Node* const list = map.List(key, sizes.most);
  if (list == nullptr) return;
  if (list->items.size() < sizes.least) return map.Fail(key, "at least one");
  std::unordered_map<std::string, std::size_t> seen;
  items->resize(list->items.size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    Item& item = (*items)[i];
    map.Merge(read_one(list->items[i], map.file(), map.PathOf(key, i), &item));
    if (map.failed()) return;
    const auto [first, fresh] = seen.emplace(item.id, i);
    if (!fresh) {
      const std::string path = map.PathOf(key, i) + ".id";
      return map.Merge(Error{
          ErrorCode::kInvalid,
          fmt::format("{}:{}: {}: found \"{}\", expected another id than that of {}", map.file(),
                      list->items[i].line, path, item.id, map.PathOf(key, first->second))});
    }
  }
}

/// The member `inference` of a stream, at least one.
void ReadInference(MapReader& map, std::vector<InferenceProfile>* profiles);
void WriteInference(JsonWriter& json, const std::vector<InferenceProfile>& profiles);

/// The optional member `throughput` of a stream: a list of [share, speed], shares rising.
void ReadThroughput(MapReader& map, std::vector<ThroughputPoint>* curve);
/// Nothing where it is empty.
void WriteThroughput(JsonWriter& json, const std::vector<ThroughputPoint>& curve);

}  // namespace ekya
