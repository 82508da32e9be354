#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ekya {

/// A parsed JSON or YAML text whose every value knows its line. What the strict readers of all file
/// formats stand on.
struct Node {
  enum class Kind { kNull, kBool, kNumber, kString, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;        ///< From 1.
  bool boolean = false;
  double number = 0;   ///< Finite.
  std::string text;    ///< A string's content; a number's or bool's spelling in the file.
  std::vector<Node> items;                            ///< Of a list.
  std::vector<std::pair<std::string, Node>> members;  ///< Of a map, in the file's order.
};

/// Parses strict JSON (no comments, no NaN, no duplicate keys, at most 64 levels deep).
Result<Node> ParseJson(std::string_view text, const std::string& file);

/// Parses one YAML 1.2 document: plain scalars become null, bool, number or string by the core
/// schema; anchors, tags, duplicate keys and more than 64 levels are errors.
Result<Node> ParseYaml(std::string_view text, const std::string& file);

/// Reads one map strictly and remembers the first error, so that a reader is a list of fields:
///
///   MapReader map(node, "situation.json", "");
///   map.Read("window_seconds", &window, AtLeast(0));
///   return map.Finish();   // also refuses the keys that nobody asked for
///
/// Messages: `situation.json:3: streams[0].accuracy: found 1.5, expected a number from 0 to 1`.
class MapReader {
 public:
  /// `path` is the key path of `node` in the file; empty for the whole. Both outlive the reader.
  MapReader(const Node& node, std::string file, std::string path);

  struct Range {
    double low;
    double high;
    bool low_open = false;  ///< `low` itself is refused.
  };

  // Each reads a required member, or with Optional a member that may be absent (the target is then
  // left as it is). Returns whether a value was stored.
  bool Read(const std::string& key, double* value, Range range);
  bool Read(const std::string& key, int* value, Range range);
  bool Read(const std::string& key, bool* value);
  bool Read(const std::string& key, std::string* value);
  bool ReadOneOf(const std::string& key, std::string* value, const std::vector<std::string>& known);
  bool ReadStrings(const std::string& key, std::vector<std::string>* values);
  bool ReadNumbers(const std::string& key, std::vector<double>* values, Range range);
  /// The member itself, for nested maps and lists; null when absent or of another kind.
  const Node* List(const std::string& key);
  const Node* Map(const std::string& key);
  const Node* Any(const std::string& key);

  /// The next read may find its key absent.
  MapReader& Optional();
  bool Has(const std::string& key) const;
  /// Accepts `key` without reading it.
  void Ignore(const std::string& key);
  /// Records an error at `key` (found: what the node holds).
  void Fail(const std::string& key, const std::string& expected);
  /// Takes over a nested reader's error.
  void Merge(const Status& nested);

  std::string PathOf(const std::string& key) const;
  const std::string& file() const { return file_; }
  bool failed() const { return !status_.ok(); }
  /// The first error; else an error for the first unknown key, naming the known one nearest to it.
  Status Finish();

 private:
  const Node* Find(const std::string& key);
  void FailAt(int line, const std::string& path, const std::string& found,
              const std::string& expected);

  const Node& node_;
  const std::string file_;
  const std::string path_;
  std::vector<std::string> asked_;
  bool optional_ = false;
  Status status_;
};

/// What `node` holds, short enough for a message: `"abc"`, `1.5`, `a list of 3`.
std::string Describe(const Node& node);

}  // namespace ekya
