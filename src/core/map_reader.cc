#include "core/map_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ekya {
namespace {

/// Whole numbers without an exponent, as people write limits.
std::string Spell(double number) {
  return number == std::floor(number) && std::abs(number) < 1e15 ? fmt::format("{:.0f}", number)
                                                                 : fmt::format("{}", number);
}

/// Levenshtein's edit distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

bool IsNumber(const Node& node, MapReader::Range range, bool whole) {
  return node.kind == Node::Kind::kNumber && Contains(range, node.number) &&
         (!whole || node.number == std::floor(node.number));
}

}  // namespace

std::string Describe(MapReader::Range range, bool whole) {
  std::string text = whole ? "a whole number" : "a number";
  const bool below = std::isfinite(range.low);
  const bool above = std::isfinite(range.high);
  if (below && above && !range.low_open) {
    return text + fmt::format(" from {} to {}", Spell(range.low), Spell(range.high));
  }
  if (below)
    text += fmt::format(" {} {}", range.low_open ? "above" : "of at least", Spell(range.low));
  if (above) text += fmt::format("{} at most {}", below ? " and" : " of", Spell(range.high));
  return text;
}

bool Contains(MapReader::Range range, double number) {
  return number <= range.high && (range.low_open ? number > range.low : number >= range.low);
}

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  // Distance is quadratic: of a monstrous word its beginning is enough.
  const std::string_view begin = std::string_view(word).substr(0, 100);
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& candidate) { return Distance(begin, candidate); });
  return nearest == known.end() ? "" : *nearest;
}

MapReader::MapReader(const Node& node, std::string file, std::string path)
    : node_(node), file_(std::move(file)), path_(std::move(path)) {
  if (node.kind != Node::Kind::kMap) FailAt(node.line, path_, Describe(node), "a map");
}

bool MapReader::Read(const std::string& key, double* value, Range range) {
  const std::string expected = Describe(range, false);
  const Node* const node = Find(key, expected);
  if (node == nullptr) return false;
  if (!IsNumber(*node, range, false)) {
    FailAt(node->line, PathOf(key), Describe(*node), expected);
    return false;
  }
  *value = node->number;
  return true;
}

bool MapReader::Read(const std::string& key, int* value, Range range) {
  range.low = std::max<double>(range.low, std::numeric_limits<int>::min());
  range.high = std::min<double>(range.high, std::numeric_limits<int>::max());
  const std::string expected = Describe(range, true);
  const Node* const node = Find(key, expected);
  if (node == nullptr) return false;
  if (!IsNumber(*node, range, true)) {
    FailAt(node->line, PathOf(key), Describe(*node), expected);
    return false;
  }
  *value = static_cast<int>(node->number);
  return true;
}

bool MapReader::Read(const std::string& key, bool* value) {
  const Node* const node = FindOf(Node::Kind::kBool, key, "true or false");
  if (node != nullptr) *value = node->boolean;
  return node != nullptr;
}

bool MapReader::Read(const std::string& key, std::string* value) {
  const Node* const node = FindOf(Node::Kind::kString, key, "a string");
  if (node != nullptr) *value = node->text;
  return node != nullptr;
}

bool MapReader::ReadId(const std::string& key, std::string* value) {
  const std::string expected = "a name of 1 to 200 characters";
  const Node* const node = FindOf(Node::Kind::kString, key, expected);
  if (node == nullptr) return false;
  if (node->text.empty() || node->text.size() > 200 ||
      std::ranges::any_of(node->text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    FailAt(node->line, PathOf(key), Describe(*node), expected);
    return false;
  }
  *value = node->text;
  return true;
}

bool MapReader::ReadOneOf(const std::string& key, std::string* value,
                          const std::vector<std::string>& known) {
  std::string expected;
  for (std::size_t i = 0; i < known.size(); ++i) {
    expected += i == 0 ? "" : i + 1 == known.size() ? " or " : ", ";
    expected += '"' + known[i] + '"';
  }
  const Node* const node = FindOf(Node::Kind::kString, key, expected);
  if (node == nullptr) return false;
  if (std::ranges::find(known, node->text) == known.end()) {
    FailAt(node->line, PathOf(key), Describe(*node), expected);
    return false;
  }
  *value = node->text;
  return true;
}

bool MapReader::ReadStrings(const std::string& key, std::vector<std::string>* values) {
  const Node* const list = FindOf(Node::Kind::kList, key, "a list of strings");
  if (list == nullptr) return false;
  std::vector<std::string> read;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    if (item.kind != Node::Kind::kString) {
      FailAt(item.line, PathOf(key, i), Describe(item), "a string");
      return false;
    }
    read.push_back(item.text);
  }
  *values = std::move(read);
  return true;
}

bool MapReader::ReadNumbers(const std::string& key, std::vector<double>* values, Range range) {
  const Node* const list = FindOf(Node::Kind::kList, key, "a list of numbers");
  if (list == nullptr) return false;
  std::vector<double> read;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    if (!IsNumber(item, range, false)) {
      FailAt(item.line, PathOf(key, i), Describe(item), Describe(range, false));
      return false;
    }
    read.push_back(item.number);
  }
  *values = std::move(read);
  return true;
}

const Node* MapReader::List(const std::string& key, std::size_t most) {
  const Node* const list = FindOf(Node::Kind::kList, key, "a list");
  if (list == nullptr || list->items.size() <= most) return list;
  FailAt(list->line, PathOf(key), Describe(*list), fmt::format("at most {}", most));
  return nullptr;
}

const Node* MapReader::Map(const std::string& key) {
  return FindOf(Node::Kind::kMap, key, "a map");
}

const Node* MapReader::Any(const std::string& key, const std::string& expected) {
  return Find(key, expected);
}

MapReader& MapReader::Optional() {
  optional_ = true;
  return *this;
}

bool MapReader::Has(const std::string& key) const {
  return std::ranges::any_of(node_.members,
                             [&](const auto& member) { return member.first == key; });
}

void MapReader::Ignore(const std::string& key) { asked_.push_back(key); }

void MapReader::IgnoreOthers() { ignore_others_ = true; }

void MapReader::Fail(const std::string& key, const std::string& expected) {
  const auto member =
      std::ranges::find_if(node_.members, [&](const auto& pair) { return pair.first == key; });
  const bool present = member != node_.members.end();
  FailAt(present ? member->second.line : node_.line, PathOf(key),
         present ? Describe(member->second) : "nothing", expected);
}

void MapReader::Fail(const std::string& key, const std::string& found,
                     const std::string& expected) {
  const auto member =
      std::ranges::find_if(node_.members, [&](const auto& pair) { return pair.first == key; });
  FailAt(member != node_.members.end() ? member->second.line : node_.line, PathOf(key), found,
         expected);
}

void MapReader::Merge(const Status& nested) {
  if (status_.ok() && !nested.ok()) status_ = nested;
}

std::string MapReader::PathOf(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

std::string MapReader::PathOf(const std::string& key, std::size_t item) const {
  return fmt::format("{}[{}]", PathOf(key), item);
}

Status MapReader::Finish() {
  if (failed() && missing_.empty()) return status_;
  int unknown = 0;
  for (const auto& [key, value] : node_.members) {
    if (ignore_others_) break;
    if (std::ranges::find(asked_, key) != asked_.end()) continue;
    if (++unknown > 100) break;  // A hostile map may hold a million.
    const std::string nearest = Nearest(key, asked_);
    // A key that is missing because it is misspelt: the misspelling says more.
    if (failed() && nearest != missing_) continue;
    Node shown;
    shown.kind = Node::Kind::kString;
    shown.text = key;
    status_ =
        Error{ErrorCode::kInvalid,
              fmt::format("{}:{}: {}unknown key {}, the nearest known one is \"{}\"", file_,
                          value.line, path_.empty() ? "" : path_ + ": ", Describe(shown), nearest)};
    break;
  }
  missing_.clear();
  return status_;
}

const Node* MapReader::Find(const std::string& key, const std::string& expected) {
  const bool optional = std::exchange(optional_, false);
  asked_.push_back(key);
  if (failed()) return nullptr;
  const auto member =
      std::ranges::find_if(node_.members, [&](const auto& pair) { return pair.first == key; });
  if (member != node_.members.end()) return &member->second;
  if (!optional) {
    FailAt(node_.line, PathOf(key), "nothing", expected);
    missing_ = key;
  }
  return nullptr;
}

const Node* MapReader::FindOf(Node::Kind kind, const std::string& key,
                              const std::string& expected) {
  const Node* const node = Find(key, expected);
  if (node == nullptr || node->kind == kind) return node;
  FailAt(node->line, PathOf(key), Describe(*node), expected);
  return nullptr;
}

void MapReader::FailAt(int line, const std::string& path, const std::string& found,
                       const std::string& expected) {
  if (!status_.ok()) return;
  status_ =
      Error{ErrorCode::kInvalid, fmt::format("{}:{}: {}found {}, expected {}", file_, line,
                                             path.empty() ? "" : path + ": ", found, expected)};
}

}  // namespace ekya
