#pragma once

#include <limits>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/document.h"

namespace ekya {

/// Reads one map strictly and remembers the first error, so that a reader is a list of fields:
///
///   MapReader map(node, "situation.json", "");
///   map.Read("window_seconds", &window, Above(0));
///   map.Optional().Read("accuracy_floor", &floor, kFraction);
///   return map.Finish();   // also refuses the keys that nobody asked for
///
/// Messages: `situation.json:3: streams[0].accuracy: found 1.5, expected a number from 0 to 1`.
/// After the first error nothing is read any more. One thread.
class MapReader {
 public:
  /// `path` is the key path of `node` in the file; empty for the whole. `node` outlives the reader.
  MapReader(const Node& node, std::string file, std::string path);

  struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = false;  ///< `low` itself is refused.
  };

  // Each reads a required member, or after Optional a member that may be absent (the target is then
  // left as it is). Returns whether a value was stored.
  bool Read(const std::string& key, double* value, Range range);
  bool Read(const std::string& key, int* value, Range range);
  bool Read(const std::string& key, bool* value);
  bool Read(const std::string& key, std::string* value);
  /// A name that messages, files and other documents use: 1 to 200 bytes without control
  /// characters.
  bool ReadId(const std::string& key, std::string* value);
  bool ReadOneOf(const std::string& key, std::string* value, const std::vector<std::string>& known);
  bool ReadStrings(const std::string& key, std::vector<std::string>* values);
  bool ReadNumbers(const std::string& key, std::vector<double>* values, Range range);
  /// The member itself, for nested maps and lists; null when absent or of another kind. A list of
  /// more than `most` items is an error.
  const Node* List(const std::string& key, std::size_t most = kMaxValues);
  const Node* Map(const std::string& key);
  const Node* Any(const std::string& key, const std::string& expected = "a value");

  /// The next read may find its key absent.
  MapReader& Optional();
  /// Whether the map has `key`; does not count as reading it.
  bool Has(const std::string& key) const;
  /// Accepts `key` without reading it.
  void Ignore(const std::string& key);
  /// Accepts every key: for files of other makers, who may say more than anybody asks for.
  void IgnoreOthers();
  /// Records an error at `key` (found: what the node holds).
  void Fail(const std::string& key, const std::string& expected);
  /// The same with `found` in place of what the node holds.
  void Fail(const std::string& key, const std::string& found, const std::string& expected);
  /// Takes over a nested reader's error.
  void Merge(const Status& nested);

  /// "streams[0].id" for the key "id" of "streams[0]".
  std::string PathOf(const std::string& key) const;
  /// "streams[3]" for item 3 of the key "streams".
  std::string PathOf(const std::string& key, std::size_t item) const;
  const std::string& file() const { return file_; }
  bool failed() const { return !status_.ok(); }
  /// The first error; else an error for the first unknown key, naming the known one nearest to it
  /// (also where that one is missing). May be called again after a further Fail.
  Status Finish();

 private:
  /// The member, or null where it is absent: an error unless it was optional.
  const Node* Find(const std::string& key, const std::string& expected);
  const Node* FindOf(Node::Kind kind, const std::string& key, const std::string& expected);
  void FailAt(int line, const std::string& path, const std::string& found,
              const std::string& expected);

  const Node& node_;
  const std::string file_;
  const std::string path_;
  std::vector<std::string> asked_;
  bool optional_ = false;
  bool ignore_others_ = false;
  std::string missing_;  ///< The key whose absence is the first error.
  Status status_;
};

/// Numbers of at least, and of more than, `low`.
inline MapReader::Range AtLeast(double low) { return {.low = low}; }
inline MapReader::Range Above(double low) { return {.low = low, .low_open = true}; }
/// 0 to 1, both included.
inline constexpr MapReader::Range kFraction{.low = 0, .high = 1};

/// What messages call a number in `range`: "a number from 0 to 1", "a whole number above 0".
std::string Describe(MapReader::Range range, bool whole);

/// Whether `number` is in `range`; NaN never is.
bool Contains(MapReader::Range range, double number);

/// The word of `known` that is nearest to `word` by edit distance; empty where there is none.
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace ekya
