#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/document.h"

// What the readers of JSON and YAML share: the text they accept, and the tree they grow.
namespace ekya {

/// `FILE:LINE: problem`, as kInvalid.
Error ErrorAt(const std::string& file, int line, const std::string& problem);

/// Length of the UTF-8 character that `text` begins with; 0 where it begins with none (RFC 3629).
std::size_t CharacterLength(std::string_view text);

/// Whether `text`, its escapes resolved, is text: half of an escaped surrogate pair is none.
bool IsUtf8(std::string_view text);

/// The double that `spelling` (without a leading plus) says; nothing where no double holds it.
std::optional<double> ToDouble(std::string_view spelling);

/// Grows a tree of nodes from a parser's events. The first call that returns false has set `error`.
class TreeBuilder {
 public:
  /// `prefix` is the key path of the tree's root within the file; empty for the whole.
  explicit TreeBuilder(const std::string& file, std::string prefix = "")
      : file_(file), prefix_(std::move(prefix)) {}

  bool Key(std::string_view key, int line) {
    if (!Count(line)) return false;
    if (!IsUtf8(key)) return Fail(line, "found a lone surrogate in a key, expected text");
    auto& members = open_.back()->members;
    members.emplace_back(key, Node{});
    members.back().second.line = line;
    awaits_key_ = false;
    return key.find('\0') == std::string::npos || Fail(line, "found a NUL character in a key");
  }

  bool Add(Node scalar) { return Place(std::move(scalar)) != nullptr; }

  bool AddText(std::string_view text, int line) {
    if (text.find('\0') != std::string::npos)
      return Fail(line, "found a NUL character, expected text");
    if (!IsUtf8(text)) return Fail(line, "found a lone surrogate, expected text");
    Node node{.kind = Node::Kind::kString, .line = line, .text = std::string(text)};
    return Add(std::move(node));
  }

  bool AddNumber(std::string_view spelling, std::optional<double> number, int line) {
    Node node{.kind = Node::Kind::kNumber, .line = line, .text = std::string(spelling)};
    if (!number) {
      return Fail(line,
                  fmt::format("found {}, expected a number that a double holds", Describe(node)));
    }
    node.number = *number;
    return Add(std::move(node));
  }

  bool Open(Node::Kind kind, int line) {
    if (open_.size() == kMaxLevels) {
      return Fail(line, fmt::format("found more than {} levels of maps and lists", kMaxLevels));
    }
    // Inside a map, people look for a member where its key stands.
    if (!open_.empty() && open_.back()->kind == Node::Kind::kMap) {
      line = open_.back()->members.back().second.line;
    }
    Node* const node = Place(Node{.kind = kind, .line = line});
    if (node == nullptr) return false;
    // Stays valid: a container grows only while it is the innermost open one.
    open_.push_back(node);
    awaits_key_ = kind == Node::Kind::kMap;
    return true;
  }

  bool Close() {
    const Node& closed = *open_.back();
    if (closed.kind == Node::Kind::kMap && !CheckDuplicates(closed)) return false;
    open_.pop_back();
    awaits_key_ = !open_.empty() && open_.back()->kind == Node::Kind::kMap;
    return true;
  }

  /// Always false, so that handlers can return it.
  bool Fail(int line, const std::string& problem) {
    const std::string path = Path();
    error_ = ErrorAt(file_, line, path.empty() ? problem : path + ": " + problem);
    return false;
  }

  /// Whether the next event is a key.
  bool awaits_key() const { return awaits_key_; }
  /// The innermost map or list that is not closed yet; null where there is none.
  const Node* innermost() const { return open_.empty() ? nullptr : open_.back(); }
  /// What the first failed call said.
  const Error& error() const {
    EKYA_CHECK(error_.has_value());
    return *error_;
  }
  bool failed() const { return error_.has_value(); }
  Node& root() { return root_; }

 private:
  Node* Place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return &root_;
    }
    Node& parent = *open_.back();
    if (parent.kind == Node::Kind::kMap) {
      awaits_key_ = true;
      return &(parent.members.back().second = std::move(node));
    }
    return Count(node.line) ? &parent.items.emplace_back(std::move(node)) : nullptr;
  }

  bool Count(int line) {
    return ++values_ <= kMaxValues ||
           Fail(line,
                fmt::format("found more than {} values, expected a smaller file", kMaxValues));
  }

  bool CheckDuplicates(const Node& map) {
    const auto& members = map.members;
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) {
      return std::pair<std::string_view, std::size_t>(members[i].first, i);
    });
    const auto twin = std::ranges::adjacent_find(
        order, [&](std::size_t a, std::size_t b) { return members[a].first == members[b].first; });
    if (twin == order.end()) return true;
    const auto& [key, first] = members[*twin];
    return Fail(members[*std::next(twin)].second.line,
                fmt::format("found the key \"{}\" again, first on line {}", key, first.line));
  }

  /// Where the parser is, as a key path.
  std::string Path() const {
    std::string path = prefix_;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const Node& node = *open_[i];
      const bool innermost = i + 1 == open_.size();
      if (node.kind == Node::Kind::kList) {
        path += fmt::format("[{}]", node.items.size() - (innermost ? 0 : 1));
      } else if (!node.members.empty() && !(innermost && awaits_key_)) {
        if (!path.empty()) path += '.';
        path += node.members.back().first;
      }
    }
    return path;
  }

  const std::string& file_;
  const std::string prefix_;
  Node root_;
  std::vector<Node*> open_;
  bool awaits_key_ = false;
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

}  // namespace ekya
