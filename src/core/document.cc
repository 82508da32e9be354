#include "core/document.h"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

namespace ekya {
namespace {

Error ErrorAt(const std::string& file, int line, const std::string& problem) {
  return {ErrorCode::kInvalid, fmt::format("{}:{}: {}", file, line, problem)};
}

/// Length of the UTF-8 character that `text` begins with; 0 where it begins with none (RFC 3629).
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    // No overlong forms (e0) and no surrogates (ed).
    return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3
                                                                                              : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) &&
                   follows(3)
               ? 4
               : 0;
  }
  return 0;
}

/// Whether `text`, its escapes resolved, is text: half of an escaped surrogate pair is none.
bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Refuses what is no text at all before a parser sees it, and drops a byte order mark.
Status CheckText(std::string_view* text, const std::string& file, std::size_t max_bytes) {
  if (text->size() > max_bytes) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: has {} bytes, expected at most {}", file,
                                                  text->size(), max_bytes)};
  }
  if (text->starts_with("\xef\xbb\xbf")) text->remove_prefix(3);
  int line = 1;
  bool blank = true;
  for (std::size_t at = 0; at < text->size();) {
    const auto byte = static_cast<unsigned char>((*text)[at]);
    const bool space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
    const std::size_t length = byte < 0x20 && !space ? 0 : CharacterLength(text->substr(at));
    if (length == 0) {
      return ErrorAt(file, line, fmt::format("found the byte 0x{:02x}, expected UTF-8 text", byte));
    }
    if (byte == '\n') ++line;
    blank = blank && space;
    at += length;
  }
  if (blank) return Error{ErrorCode::kInvalid, file + ": is empty"};
  return {};
}

/// The double that `spelling` (without a leading plus) says; nothing where no double holds it.
std::optional<double> ToDouble(std::string_view spelling) {
  double number = 0;
  const char* const end = spelling.data() + spelling.size();
  const auto [stop, code] = std::from_chars(spelling.data(), end, number);
  if (code != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// Grows a tree of nodes from a parser's events. The first call that returns false has set `error`.
class TreeBuilder {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

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
    std::string path;
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
  Node root_;
  std::vector<Node*> open_;
  bool awaits_key_ = false;
  std::size_t values_ = 0;
  std::optional<Error> error_;
};

/// RapidJSON's input stream over a text without NUL characters; counts lines.
class LineStream {
 public:
  using Ch = char;
  explicit LineStream(std::string_view text) : text_(text) {}

  Ch Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ch Take() {
    const Ch character = Peek();
    if (character == '\n') ++line_;
    ++at_;
    return character;
  }
  std::size_t Tell() const { return at_; }
  int line() const { return line_; }

  // Asked for by RapidJSON's concept of a stream; only in-situ parsing calls them.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

/// RapidJSON's events into a tree.
class JsonHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonHandler> {
 public:
  JsonHandler(TreeBuilder& builder, const LineStream& stream)
      : builder_(builder), stream_(stream) {}

  bool Null() { return builder_.Add({.line = stream_.line()}); }
  bool Bool(bool value) {
    return builder_.Add({.kind = Node::Kind::kBool,
                         .line = stream_.line(),
                         .boolean = value,
                         .text = value ? "true" : "false"});
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    const std::string_view spelling(text, length);
    return builder_.AddNumber(spelling, ToDouble(spelling), stream_.line());
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    return builder_.AddText({text, length}, stream_.line());
  }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    return builder_.Key({text, length}, stream_.line());
  }
  bool StartObject() { return builder_.Open(Node::Kind::kMap, stream_.line()); }
  bool EndObject(rapidjson::SizeType) { return builder_.Close(); }
  bool StartArray() { return builder_.Open(Node::Kind::kList, stream_.line()); }
  bool EndArray(rapidjson::SizeType) { return builder_.Close(); }

 private:
  TreeBuilder& builder_;
  const LineStream& stream_;
};

/// A plain YAML scalar by the core schema (YAML 1.2, section 10.3.2), null aside.
bool AddPlain(TreeBuilder& builder, const std::string& text, int line) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
  };
  const bool yes = is_one_of({"true", "True", "TRUE"});
  if (yes || is_one_of({"false", "False", "FALSE"})) {
    return builder.Add({.kind = Node::Kind::kBool, .line = line, .boolean = yes, .text = text});
  }
  std::string_view number = text;
  if (number.starts_with("0x") || number.starts_with("0o")) {
    const int base = number[1] == 'x' ? 16 : 8;
    number.remove_prefix(2);
    std::uint64_t value = 0;
    const char* const end = number.data() + number.size();
    const auto [stop, code] = std::from_chars(number.data(), end, value, base);
    if (number.empty() || stop != end) return builder.AddText(text, line);
    return builder.AddNumber(
        text, code == std::errc() ? std::optional(static_cast<double>(value)) : std::nullopt, line);
  }
  if (number.starts_with('+') || number.starts_with('-')) number.remove_prefix(1);
  if (is_one_of({".nan", ".NaN", ".NAN"}) || number == ".inf" || number == ".Inf" ||
      number == ".INF") {
    return builder.AddNumber(text, std::nullopt, line);
  }
  // A digit first, or after the point; then only what a number is made of (not "1e", "inf", "5m").
  const bool begins = !number.empty() && (std::isdigit(static_cast<unsigned char>(number[0])) ||
                                          (number[0] == '.' && number.size() > 1 &&
                                           std::isdigit(static_cast<unsigned char>(number[1]))));
  double value = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, code] = std::from_chars(number.data(), end, value);
  if (!begins || stop != end) return builder.AddText(text, line);
  if (text[0] == '-') value = -value;
  return builder.AddNumber(text, code == std::errc() ? std::optional(value) : std::nullopt, line);
}

/// yaml-cpp's events into a tree. Throws Stop where the builder refuses.
class YamlHandler : public YAML::EventHandler {
 public:
  struct Stop {};
  explicit YamlHandler(TreeBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      Check(builder_.Fail(mark.line + 1, "found a second document, expected one"));
    }
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Check(builder_.Fail(mark.line + 1, "found an alias (*), expected a value"));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "", anchor);
    if (builder_.awaits_key()) Check(builder_.Fail(mark.line + 1, "found an empty key"));
    Check(builder_.Add({.line = mark.line + 1}));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    CheckPlain(mark, tag, anchor);
    const int line = mark.line + 1;
    if (builder_.awaits_key()) {
      Check(builder_.Key(text, line));
    } else {
      Check(tag == "?" ? AddPlain(builder_, text, line) : builder_.AddText(text, line));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Check(builder_.Close()); }
  void OnMapEnd() override { Check(builder_.Close()); }

 private:
  static void Check(bool accepted) {
    if (!accepted) throw Stop{};
  }
  /// yaml-cpp's tag is "?" for a plain scalar, "!" for a quoted one, "?" or "" for the rest.
  void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Check(builder_.Fail(mark.line + 1, "found an anchor (&)"));
    if (tag.size() > 1) Check(builder_.Fail(mark.line + 1, "found the tag " + tag));
  }
  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckPlain(mark, tag, anchor);
    if (builder_.awaits_key()) {
      Check(builder_.Fail(mark.line + 1, "found a map or list as a key, expected a word"));
    }
    Check(builder_.Open(kind, mark.line + 1));
  }

  TreeBuilder& builder_;
  int documents_ = 0;
};

/// `message` as the end of a sentence.
std::string Uncapitalised(std::string message) {
  if (!message.empty()) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  while (message.ends_with('.')) message.pop_back();
  return message;
}

}  // namespace

Result<Node> ParseJson(std::string_view text, const std::string& file) {
  EKYA_RETURN_IF_ERROR(CheckText(&text, file, kMaxJsonBytes));
  TreeBuilder builder(file);
  LineStream stream(text);
  JsonHandler handler(builder, stream);
  rapidjson::Reader reader;
  // Spellings instead of numbers: from_chars is exact, and messages show what the file says.
  const auto outcome = reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, handler);
  if (!outcome.IsError()) return std::move(builder.root());
  if (builder.failed()) return builder.error();
  if (outcome.Code() == rapidjson::kParseErrorNumberTooBig) {
    const std::string_view rest = text.substr(outcome.Offset());
    builder.AddNumber(rest.substr(0, rest.find_first_not_of("+-.0123456789eE")), std::nullopt,
                      stream.line());
    return builder.error();
  }
  if (stream.Tell() >= text.size() && builder.innermost() != nullptr) {
    const Node& open = *builder.innermost();
    builder.Fail(stream.line(),
                 fmt::format("the text ends inside the {} that line {} begins",
                             open.kind == Node::Kind::kMap ? "map" : "list", open.line));
    return builder.error();
  }
  builder.Fail(stream.line(),
               "not JSON: " + Uncapitalised(rapidjson::GetParseError_En(outcome.Code())));
  return builder.error();
}

Result<Node> ParseYaml(std::string_view text, const std::string& file) {
  EKYA_RETURN_IF_ERROR(CheckText(&text, file, kMaxYamlBytes));
  TreeBuilder builder(file);
  YamlHandler handler(builder);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(handler)) {
      return Error{ErrorCode::kInvalid, file + ": is empty"};
    }
    parser.HandleNextDocument(handler);  // Refuses a second document.
  } catch (const YamlHandler::Stop&) {
    return builder.error();
  } catch (const YAML::Exception& error) {
    return ErrorAt(file, error.mark.is_null() ? 1 : error.mark.line + 1,
                   "not YAML: " + Uncapitalised(error.msg));
  } catch (const std::exception& error) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: not YAML: {}", file, error.what())};
  }
  return std::move(builder.root());
}

std::string Describe(const Node& node) {
  constexpr std::size_t kShown = 40;
  const auto shortened = [](const std::string& text) {
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = std::max<std::size_t>(1, CharacterLength({text.data() + at}));
      if (at + length > kShown) return shown + "...";
      const bool control = static_cast<unsigned char>(text[at]) < 0x20;
      shown += control ? " " : text.substr(at, length);
      at += length;
    }
    return shown;
  };
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kBool:
    case Node::Kind::kNumber:
      return shortened(node.text);
    case Node::Kind::kString:
      return '"' + shortened(node.text) + '"';
    case Node::Kind::kList:
      return node.items.empty() ? "an empty list" : fmt::format("a list of {}", node.items.size());
    case Node::Kind::kMap:
      return node.members.empty() ? "an empty map" : "a map";
  }
  EKYA_CHECK(false, "a node of no kind");
  return {};
}

}  // namespace ekya
