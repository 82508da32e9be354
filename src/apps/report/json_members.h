#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

/// Members that MapReader and JsonWriter have no calls of their own for.
namespace ekya::report {

/// Writes members of the innermost map: `MembersOf(json)("id", id)("frames", frames);`. Text that
/// is not UTF-8 is made so.
class Members {
 public:
  explicit Members(JsonWriter& json) : json_(json) {}

  Members& operator()(std::string_view key, std::string_view text);
  Members& operator()(std::string_view key, const char* text);
  Members& operator()(std::string_view key, const std::string& text);
  Members& operator()(std::string_view key, double number);
  Members& operator()(std::string_view key, int number);
  Members& operator()(std::string_view key, std::int64_t number);
  Members& operator()(std::string_view key, std::uint64_t number);
  Members& operator()(std::string_view key, bool flag);
  Members& operator()(std::string_view key, const std::optional<double>& number);
  JsonWriter& Key(std::string_view key) { return json_.Key(key); }
  JsonWriter& EndMap() { return json_.EndMap(); }

 private:
  JsonWriter& json_;
};

inline Members MembersOf(JsonWriter& json) { return Members(json); }

/// Every digit of a 64-bit integer, which a double would round.
void ReadInteger(MapReader& map, const std::string& key, std::uint64_t* value);
void ReadInteger(MapReader& map, const std::string& key, std::int64_t* value);

/// Any number, or null for one that was not finite or not there when it was written.
void ReadNumberOrNull(MapReader& map, const std::string& key, std::optional<double>* value);
/// The same; null gives `otherwise`.
void ReadNumberOrNull(MapReader& map, const std::string& key, double otherwise, double* value);

/// Appends one element per item of the list `key`, read by `read(node, file, path, &element)`.
template <typename T, typename Read>
void ReadList(MapReader& map, const std::string& key, std::vector<T>* elements, Read read) {
  const Node* list = map.List(key);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->items.size() && !map.failed(); ++i) {
    T element;
    map.Merge(read(list->items[i], map.file(), map.PathOf(key) + "[" + std::to_string(i) + "]",
                   &element));
    elements->push_back(std::move(element));
  }
}

}  // namespace ekya::report
