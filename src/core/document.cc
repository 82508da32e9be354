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

#include "core/internal/json_events.h"
#include "core/internal/tree_builder.h"

namespace ekya {
namespace {

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

}  // namespace

Result<Node> ParseJson(std::string_view text, const std::string& file) {
  EKYA_RETURN_IF_ERROR(CheckText(&text, file, kMaxJsonBytes));
  TreeBuilder builder(file);
  LineStream stream(text);
  JsonEvents handler(builder, stream);
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
