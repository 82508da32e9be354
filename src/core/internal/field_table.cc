#include "core/internal/field_table.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>

#include "core/duration.h"

namespace ekya::field {
namespace {

/// What a text says in the base unit; an error where it says nothing.
using ToAmount = Result<double> (*)(const std::string&);

/// A number followed by one of `units`.
Result<double> Scaled(const std::string& text,
                      std::initializer_list<std::pair<std::string_view, double>> units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (code == std::errc()) {
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    for (const auto& [name, factor] : units) {
      if (unit == name) return number * factor;
    }
  }
  return Error{ErrorCode::kInvalid, "no amount"};
}

Result<double> ToFraction(const std::string& text) { return Scaled(text, {{"%", 0.01}}); }

Result<double> ToBytes(const std::string& text) {
  return Scaled(text, {{"B", 1},
                       {"kB", 1e3},
                       {"MB", 1e6},
                       {"GB", 1e9},
                       {"TB", 1e12},
                       {"KiB", 0x1p10},
                       {"MiB", 0x1p20},
                       {"GiB", 0x1p30},
                       {"TiB", 0x1p40}});
}

/// A number, or a text that `to_amount` makes one.
void ReadMeasure(MapReader& map, const std::string& key, MapReader::Range range,
                 const std::string& example, ToAmount to_amount, double* value) {
  const std::string expected = fmt::format("{} such as {}", Describe(range, false), example);
  const Node* const node = map.Optional().Any(key, expected);
  if (node == nullptr) return;
  const Result<double> amount = node->kind == Node::Kind::kString ? to_amount(node->text)
                                : node->kind == Node::Kind::kNumber
                                    ? Result<double>(node->number)
                                    : Error{ErrorCode::kInvalid, "no amount"};
  if (!amount.ok() || !Contains(range, *amount)) return map.Fail(key, expected);
  *value = *amount;
}

/// [x, y, width, height].
std::optional<Box> ToBox(const Node& node) {
  if (node.kind != Node::Kind::kList || node.items.size() != 4) return std::nullopt;
  for (const Node& side : node.items) {
    if (side.kind != Node::Kind::kNumber || std::abs(side.number) > 1e6) return std::nullopt;
  }
  const Box box{node.items[0].number, node.items[1].number, node.items[2].number,
                node.items[3].number};
  if (box.width <= 0 || box.height <= 0) return std::nullopt;
  return box;
}

constexpr char kBoxExpected[] = "a box [x, y, width, height] in pixels";

Error BoxError(const MapReader& map, const Node& node, const std::string& path) {
  return {ErrorCode::kInvalid, fmt::format("{}:{}: {}: found {}, expected {}", map.file(),
                                           node.line, path, Describe(node), kBoxExpected)};
}

}  // namespace

std::string ReplacePlaceholders(std::string* text) {
  constexpr std::string_view kBegin = "{EKYA_";
  std::string replaced;
  std::size_t at = 0;
  for (;;) {
    const std::size_t begin = text->find(kBegin, at);
    if (begin == std::string::npos) break;
    const std::size_t end =
        text->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", begin + 1);
    if (end == std::string::npos || (*text)[end] != '}') {
      replaced += text->substr(at, begin + 1 - at);
      at = begin + 1;
      continue;
    }
    const std::string name = text->substr(begin + 1, end - begin - 1);
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return name;
    replaced += text->substr(at, begin - at) + value;
    at = end + 1;
  }
  *text = replaced + text->substr(at);
  return "";
}

std::string Below(const std::string& folder, const std::string& value) {
  if (value.empty() || folder.empty()) return value;
  return (std::filesystem::path(folder) / value).lexically_normal().string();
}

void ReadText(MapReader& map, const std::string& key, std::string* value) {
  std::string text;
  if (!map.Optional().Read(key, &text)) return;
  const std::string missing = ReplacePlaceholders(&text);
  if (!missing.empty()) {
    return map.Fail(key, "{" + missing + "}", "that environment variable to be set");
  }
  *value = text;
}

void ReadPath(MapReader& map, const Context& context, const std::string& key, std::string* value) {
  std::string text = *value;
  ReadText(map, key, &text);
  if (map.Has(key)) *value = Below(context.folder, text);
}

void ReadTexts(MapReader& map, const std::string& key, std::vector<std::string>* values) {
  std::vector<std::string> texts;
  if (!map.Optional().ReadStrings(key, &texts)) return;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) return map.Fail(key, "an empty text", "texts");
    for (std::size_t k = 0; k < i; ++k) {
      if (texts[k] == texts[i]) return map.Fail(key, "\"" + texts[i] + "\" twice", "each once");
    }
  }
  *values = std::move(texts);
}

void ReadSeconds(MapReader& map, const std::string& key, double* value, MapReader::Range range) {
  ReadMeasure(map, key, range, "200s or 10m", ParseDuration, value);
}

void ReadFraction(MapReader& map, const std::string& key, double* value, MapReader::Range range) {
  ReadMeasure(map, key, range, "10% or 0.1", ToFraction, value);
}

void ReadBytes(MapReader& map, const std::string& key, std::uint64_t* value,
               MapReader::Range range) {
  auto bytes = static_cast<double>(*value);
  ReadMeasure(map, key, range, "50GB", ToBytes, &bytes);
  *value = static_cast<std::uint64_t>(bytes);
}

void ReadCount(MapReader& map, const std::string& key, std::uint64_t* value) {
  constexpr MapReader::Range kCounts{.low = 0, .high = 0x1p53};
  const std::string expected = Describe(kCounts, true);
  const Node* const node = map.Optional().Any(key, expected);
  if (node == nullptr) return;
  if (node->kind != Node::Kind::kNumber || !Contains(kCounts, node->number) ||
      node->number != std::floor(node->number)) {
    return map.Fail(key, expected);
  }
  *value = static_cast<std::uint64_t>(node->number);
}

void ReadBoxes(MapReader& map, const std::string& key, std::vector<Box>* boxes) {
  const Node* const list = map.Optional().List(key, 1000);
  if (list == nullptr) return;
  std::vector<Box> read;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::optional<Box> box = ToBox(list->items[i]);
    if (!box) return map.Merge(BoxError(map, list->items[i], map.PathOf(key, i)));
    read.push_back(*box);
  }
  *boxes = std::move(read);
}

void ReadRegions(MapReader& map, const std::string& key, std::map<std::string, Box>* regions) {
  const Node* const node = map.Optional().Map(key);
  if (node == nullptr) return;
  std::map<std::string, Box> read;
  for (const auto& [name, value] : node->members) {
    const std::optional<Box> box = ToBox(value);
    if (!box) return map.Merge(BoxError(map, value, map.PathOf(key) + "." + name));
    read[name] = *box;
  }
  *regions = std::move(read);
}

void NumberSchema(JsonWriter& json, MapReader::Range range, bool whole) {
  json.Key("type").Text(whole ? "integer" : "number");
  if (std::isfinite(range.low)) {
    json.Key(range.low_open ? "exclusiveMinimum" : "minimum").Number(range.low);
  }
  if (std::isfinite(range.high)) json.Key("maximum").Number(range.high);
}

void TextsSchema(JsonWriter& json) {
  json.Key("type").Text("array").Key("uniqueItems").Flag(true);
  json.Key("items").BeginMap().Key("type").Text("string").Key("minLength").Integer(1).EndMap();
}

void MeasureSchema(JsonWriter& json, MapReader::Range range, std::string_view pattern) {
  json.Key("anyOf").BeginList().BeginMap();
  NumberSchema(json, range, false);
  json.EndMap().BeginMap().Key("type").Text("string").Key("pattern").Text(pattern).EndMap();
  json.EndList();
}

void BoxSchema(JsonWriter& json) {
  json.Key("type").Text("array").Key("description").Text(kBoxExpected);
  json.Key("items").BeginMap().Key("type").Text("number").EndMap();
  json.Key("minItems").Integer(4).Key("maxItems").Integer(4);
}

}  // namespace ekya::field
