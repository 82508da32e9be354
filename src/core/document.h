#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ekya {

/// What a text may hold at most, so that a hostile one cannot exhaust memory (some 500 MB at
/// worst).
inline constexpr std::size_t kMaxJsonBytes = std::size_t{128} << 20;
inline constexpr std::size_t kMaxYamlBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxValues = 2'000'000;
inline constexpr std::size_t kMaxLevels = 64;

/// A parsed JSON or YAML text whose every value knows its line. What the strict readers of all file
/// formats stand on.
struct Node {
  enum class Kind { kNull, kBool, kNumber, kString, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;  ///< From 1. A map's or list's inside a map: where its key stands.
  bool boolean = false;
  double number = 0;          ///< Finite.
  std::string text{};         ///< A string's content; a number's or bool's spelling in the file.
  std::vector<Node> items{};  ///< Of a list.
  std::vector<std::pair<std::string, Node>> members{};  ///< Of a map, in the file's order.
};

/// Parses strict JSON. Refused with kInvalid, naming `file`, line and key path where there is one:
/// what is not UTF-8 (a byte order mark is skipped), an empty text, comments, NaN, numbers that no
/// double holds, NUL characters, duplicate keys, and more than the limits above.
Result<Node> ParseJson(std::string_view text, const std::string& file);

/// Parses one YAML 1.2 document: plain scalars become null, bool, number or string by the core
/// schema. Refused: all that ParseJson refuses (comments are fine), anchors, tags, further
/// documents.
Result<Node> ParseYaml(std::string_view text, const std::string& file);

/// What `node` holds, short enough for a message: `"abc"`, `1.5`, `a list of 3`.
std::string Describe(const Node& node);

}  // namespace ekya
