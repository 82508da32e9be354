#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/frame.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

// A section of `site.yaml` is a table of fields, from which both its reader and its schema come: a
// key that one of them knows, the other knows too.
namespace ekya::field {

/// What reading a value needs beside the value.
struct Context {
  std::string folder;  ///< Of the file: what relative paths are relative to.
};

/// One key of a section that is kept in a `Section`. Every key may be absent; the section then
/// keeps what it had.
template <typename Section>
struct Field {
  std::string key;
  std::string description;
  std::function<void(MapReader&, const Context&, Section&)> read;
  /// Writes the members of the value's JSON Schema into an open map.
  std::function<void(JsonWriter&)> schema;
};

template <typename Section>
using Fields = std::vector<Field<Section>>;

template <typename Section>
void ReadFields(MapReader& map, const Context& context, const Fields<Section>& fields,
                Section* section) {
  for (const Field<Section>& field : fields) field.read(map, context, *section);
}

/// Writes the members of the section's schema into an open map.
template <typename Section>
void WriteSchema(JsonWriter& json, const Fields<Section>& fields) {
  json.Key("type").Text("object").Key("additionalProperties").Flag(false);
  json.Key("properties").BeginMap();
  for (const Field<Section>& field : fields) {
    json.Key(field.key).BeginMap().Key("description").Text(field.description);
    field.schema(json);
    json.EndMap();
  }
  json.EndMap();
}

// How one value is read after its key was announced optional, by what it means. Each leaves the
// target as it is where the key is absent or wrong.
void ReadText(MapReader& map, const std::string& key, std::string* value);
void ReadPath(MapReader& map, const Context& context, const std::string& key, std::string* value);
void ReadTexts(MapReader& map, const std::string& key, std::vector<std::string>* values);
void ReadSeconds(MapReader& map, const std::string& key, double* value, MapReader::Range range);
void ReadFraction(MapReader& map, const std::string& key, double* value, MapReader::Range range);
void ReadBytes(MapReader& map, const std::string& key, std::uint64_t* value,
               MapReader::Range range);
void ReadCount(MapReader& map, const std::string& key, std::uint64_t* value);
void ReadBoxes(MapReader& map, const std::string& key, std::vector<Box>* boxes);
void ReadRegions(MapReader& map, const std::string& key, std::map<std::string, Box>* regions);

/// `value` below `folder`, unless it is absolute or empty.
std::string Below(const std::string& folder, const std::string& value);

/// `text` with every {EKYA_NAME} replaced by that environment variable, into `text`. Returns the
/// name of the first variable that is not set; empty where all are.
std::string ReplacePlaceholders(std::string* text);

// What the schema says of each.
void NumberSchema(JsonWriter& json, MapReader::Range range, bool whole);
void TextsSchema(JsonWriter& json);
void MeasureSchema(JsonWriter& json, MapReader::Range range, std::string_view pattern);
void BoxSchema(JsonWriter& json);
inline constexpr std::string_view kSecondsPattern = R"(^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$)";
inline constexpr std::string_view kFractionPattern = R"(^[0-9]+(\.[0-9]+)?%$)";
inline constexpr std::string_view kBytesPattern = R"(^[0-9]+(\.[0-9]+)?([kMGT]?B|[KMGT]iB)$)";

template <typename Section>
Field<Section> Number(const std::string& key, double Section::*member, MapReader::Range range,
                      const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            map.Optional().Read(key, &(section.*member), range);
          },
          [=](JsonWriter& json) {
            NumberSchema(json, range, false);
            json.Key("default").Number(Section{}.*member);
          }};
}

template <typename Section>
Field<Section> Integer(const std::string& key, int Section::*member, MapReader::Range range,
                       const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            map.Optional().Read(key, &(section.*member), range);
          },
          [=](JsonWriter& json) {
            NumberSchema(json, range, true);
            json.Key("default").Integer(Section{}.*member);
          }};
}

/// A whole number that no arithmetic is done with.
template <typename Section>
Field<Section> Count(const std::string& key, std::uint64_t Section::*member,
                     const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadCount(map, key, &(section.*member));
          },
          [](JsonWriter& json) { NumberSchema(json, {.low = 0, .high = 0x1p53}, true); }};
}

template <typename Section>
Field<Section> Flag(const std::string& key, bool Section::*member, const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            map.Optional().Read(key, &(section.*member));
          },
          [=](JsonWriter& json) {
            json.Key("type").Text("boolean").Key("default").Flag(Section{}.*member);
          }};
}

/// One of a few words.
template <typename Section>
Field<Section> Choice(const std::string& key, std::string Section::*member,
                      const std::vector<std::string>& words, const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            map.Optional().ReadOneOf(key, &(section.*member), words);
          },
          [=](JsonWriter& json) {
            json.Key("enum").BeginList();
            for (const std::string& word : words) json.Text(word);
            json.EndList().Key("default").Text(Section{}.*member);
          }};
}

/// A name that other documents use.
template <typename Section>
Field<Section> Id(const std::string& key, std::string Section::*member,
                  const std::string& description) {
  return {
      key, description,
      [=](MapReader& map, const Context&, Section& section) {
        map.Optional().ReadId(key, &(section.*member));
      },
      [](JsonWriter& json) {
        json.Key("type").Text("string").Key("minLength").Integer(1).Key("maxLength").Integer(200);
      }};
}

/// A text, in which placeholders are replaced.
template <typename Section>
Field<Section> Text(const std::string& key, std::string Section::*member,
                    const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadText(map, key, &(section.*member));
          },
          [](JsonWriter& json) { json.Key("type").Text("string"); }};
}

/// A path, relative to the file's folder.
template <typename Section>
Field<Section> Path(const std::string& key, std::string Section::*member,
                    const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context& context, Section& section) {
            ReadPath(map, context, key, &(section.*member));
          },
          [](JsonWriter& json) { json.Key("type").Text("string"); }};
}

template <typename Section>
Field<Section> Texts(const std::string& key, std::vector<std::string> Section::*member,
                     const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadTexts(map, key, &(section.*member));
          },
          [](JsonWriter& json) { TextsSchema(json); }};
}

/// A duration: 200s, 10m, 1.5h, or a number of seconds.
template <typename Section>
Field<Section> Seconds(const std::string& key, double Section::*member, MapReader::Range range,
                       const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadSeconds(map, key, &(section.*member), range);
          },
          [=](JsonWriter& json) {
            MeasureSchema(json, range, kSecondsPattern);
            json.Key("default").Number(Section{}.*member);
          }};
}

/// A part of a whole: 10%, or 0.1.
template <typename Section>
Field<Section> Fraction(const std::string& key, double Section::*member, MapReader::Range range,
                        const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadFraction(map, key, &(section.*member), range);
          },
          [=](JsonWriter& json) {
            MeasureSchema(json, range, kFractionPattern);
            json.Key("default").Number(Section{}.*member);
          }};
}

/// An amount of storage: 50GB, 50GiB, or a number of bytes.
template <typename Section>
Field<Section> Bytes(const std::string& key, std::uint64_t Section::*member, MapReader::Range range,
                     const std::string& description) {
  return {key, description,
          [=](MapReader& map, const Context&, Section& section) {
            ReadBytes(map, key, &(section.*member), range);
          },
          [=](JsonWriter& json) {
            MeasureSchema(json, range, kBytesPattern);
            json.Key("default").Number(static_cast<double>(Section{}.*member));
          }};
}

/// A section inside a section. `check` sees it after its fields were read.
template <typename Section, typename Inner>
Field<Section> Nested(
    const std::string& key, Inner Section::*member, const Fields<Inner>& fields,
    const std::string& description,
    std::function<void(MapReader&, Inner&)> check = [](MapReader&, Inner&) {}) {
  return {key, description,
          [=](MapReader& map, const Context& context, Section& section) {
            const Node* const node = map.Optional().Map(key);
            if (node == nullptr) return;
            MapReader inner(*node, map.file(), map.PathOf(key));
            ReadFields(inner, context, fields, &(section.*member));
            if (inner.Finish().ok()) check(inner, section.*member);
            map.Merge(inner.Finish());
          },
          [=](JsonWriter& json) { WriteSchema(json, fields); }};
}

/// A list of sections, each with an `id` of its own. `finish` completes one before ids are
/// compared.
template <typename Section, typename Item>
Field<Section> List(const std::string& key, std::vector<Item> Section::*member,
                    const Fields<Item>& fields, const std::string& description,
                    std::function<void(Item&)> finish) {
  return {key, description,
          [=](MapReader& map, const Context& context, Section& section) {
            const Node* const list = map.Optional().List(key, 1000);
            if (list == nullptr) return;
            std::vector<Item> items;
            for (std::size_t i = 0; i < list->items.size() && !map.failed(); ++i) {
              Item& item = items.emplace_back();
              MapReader inner(list->items[i], map.file(), map.PathOf(key, i));
              ReadFields(inner, context, fields, &item);
              finish(item);
              for (std::size_t k = 0; k < i; ++k) {
                if (items[k].id != item.id) continue;
                inner.Fail("id", "\"" + item.id + "\"",
                           "another id than that of " + map.PathOf(key, k));
              }
              map.Merge(inner.Finish());
            }
            section.*member = std::move(items);
          },
          [=](JsonWriter& json) {
            json.Key("type").Text("array").Key("items").BeginMap();
            WriteSchema(json, fields);
            json.EndMap();
          }};
}

}  // namespace ekya::field
