#include "core/json_items.h"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "core/internal/json_events.h"

namespace ekya {
namespace {

/// RapidJSON's input stream over a std::istream; counts lines and holds one piece of the text.
class PieceStream {
 public:
  using Ch = char;
  explicit PieceStream(std::istream& text) : text_(text) {
    Fill();
    if (std::string_view(piece_.data(), size_).starts_with("\xef\xbb\xbf")) at_ = 3;
    NoteNul();
  }

  Ch Peek() const { return at_ < size_ ? piece_[at_] : '\0'; }
  Ch Take() {
    const Ch character = Peek();
    if (at_ >= size_) return character;
    if (character == '\n') ++line_;
    ++at_;
    if (at_ == size_) Fill();
    NoteNul();
    return character;
  }
  std::size_t Tell() const { return before_ + at_; }

  int line() const { return line_; }
  bool at_end() const { return at_ >= size_; }
  /// A NUL character stands where the parser takes the text to end.
  bool found_nul() const { return found_nul_; }

  // Asked for by RapidJSON's concept of a stream; only in-situ parsing calls them.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  void Fill() {
    before_ += size_;
    text_.read(piece_.data(), static_cast<std::streamsize>(piece_.size()));
    size_ = static_cast<std::size_t>(text_.gcount());
    at_ = 0;
  }
  void NoteNul() { found_nul_ |= at_ < size_ && piece_[at_] == '\0'; }

  std::istream& text_;
  std::array<char, 65536> piece_{};
  std::size_t size_ = 0;    // of what piece_ holds
  std::size_t at_ = 0;      // in piece_
  std::size_t before_ = 0;  // bytes of the text before piece_
  int line_ = 1;
  bool found_nul_ = false;
};

/// RapidJSON's events: grows a tree of each wanted item and hands it over.
class ItemsHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, ItemsHandler> {
 public:
  ItemsHandler(const PieceStream& stream, const std::string& file, const JsonItems& items)
      : stream_(stream), file_(file), items_(items) {}

  bool Null() {
    return Scalar("null", [](auto& events) { return events.Null(); });
  }
  bool Bool(bool value) {
    return Scalar(value ? "true" : "false", [&](auto& events) { return events.Bool(value); });
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool copy) {
    return Scalar("a number", [&](auto& events) { return events.RawNumber(text, length, copy); });
  }
  bool String(const char* text, rapidjson::SizeType length, bool copy) {
    return Scalar("a string", [&](auto& events) { return events.String(text, length, copy); });
  }
  bool Key(const char* text, rapidjson::SizeType length, bool copy) {
    if (passing_) return true;
    const std::string_view key(text, length);
    if (builder_ == nullptr) return TopKey(key);
    // Only the item's own keys: its map is the one that is open and the builder's root.
    const auto& passed = items_.passed_over;
    if (builder_->innermost() == &builder_->root() &&
        std::find(passed.begin(), passed.end(), key) != passed.end()) {
      passing_ = true;
      return true;
    }
    return Built(events_->Key(text, length, copy));
  }
  bool StartObject() {
    return Open("a map", [](auto& events) { return events.StartObject(); });
  }
  bool EndObject(rapidjson::SizeType count) {
    return Close([&](auto& events) { return events.EndObject(count); });
  }
  bool StartArray() {
    return Open("a list", [](auto& events) { return events.StartArray(); });
  }
  bool EndArray(rapidjson::SizeType count) {
    return Close([&](auto& events) { return events.EndArray(count); });
  }

  const std::optional<Error>& error() const { return error_; }
  /// Where the parser is, for errors of its own.
  Error At(const std::string& problem) const {
    const std::string path = key_.empty() ? "" : in_list_ ? PathOfItem() : key_;
    return ErrorAt(file_, stream_.line(), path.empty() ? problem : path + ": " + problem);
  }

 private:
  using Events = JsonEvents<PieceStream>;

  bool Fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  std::string PathOfItem() const { return fmt::format("{}[{}]", key_, index_); }

  bool TopKey(std::string_view key) {
    if (!IsUtf8(key)) return Fail(At("found a lone surrogate in a key, expected text"));
    key_ = "";
    if (!keys_.insert(std::string(key)).second) {
      return Fail(At(fmt::format("found the key \"{}\" again", key)));
    }
    if (keys_.size() > kMaxTopKeys) {
      return Fail(At(fmt::format("found more than {} keys, expected fewer", kMaxTopKeys)));
    }
    key_ = key;
    passing_ = std::find(items_.lists.begin(), items_.lists.end(), key) == items_.lists.end();
    return true;
  }

  template <typename Event>
  bool Scalar(const char* what, Event event) {
    if (passing_) {
      if (levels_passed_ == 0) passing_ = false;
      return true;
    }
    if (!Expected(what, false)) return false;
    BeginItem();
    return Built(event(*events_));
  }

  template <typename Event>
  bool Open(const char* what, Event event) {
    if (++levels_ > static_cast<int>(kMaxLevels)) {
      return Fail(At(fmt::format("found more than {} levels of maps and lists", kMaxLevels)));
    }
    if (passing_) {
      ++levels_passed_;
      return true;
    }
    if (!Expected(what, true)) return false;
    if (levels_ == 1) return true;  // the outermost map
    if (levels_ == 2) {
      in_list_ = true;
      index_ = 0;
      return true;
    }
    BeginItem();
    return Built(event(*events_));
  }

  template <typename Event>
  bool Close(Event event) {
    --levels_;
    if (passing_) {
      if (--levels_passed_ == 0) passing_ = false;
      return true;
    }
    if (builder_ != nullptr) return Built(event(*events_));
    in_list_ = false;
    return true;
  }

  /// Whether a value may stand here: the text is a map, and what is wanted of it are lists.
  bool Expected(const char* what, bool opens) {
    if (in_list_) return true;
    const int level = opens ? levels_ - 1 : levels_;
    const std::string_view expected = level == 0 ? "a map" : "a list";
    if (opens && what == expected) return true;
    return Fail(At(fmt::format("found {}, expected {}", what, expected)));
  }

  void BeginItem() {
    if (builder_ != nullptr) return;
    builder_ = std::make_unique<TreeBuilder>(file_, PathOfItem());
    events_ = std::make_unique<Events>(*builder_, stream_);
  }

  /// Hands the item over as soon as it is complete.
  bool Built(bool accepted) {
    if (!accepted) return Fail(builder_->error());
    if (builder_->innermost() != nullptr) return true;
    const Status taken = items_.take(key_, index_, builder_->root());
    events_.reset();
    builder_.reset();
    ++index_;
    return taken.ok() || Fail(taken.error());
  }

  static constexpr std::size_t kMaxTopKeys = 10'000;

  const PieceStream& stream_;
  const std::string& file_;
  const JsonItems& items_;
  std::optional<Error> error_;
  std::set<std::string> keys_;  // of the outermost map, so far
  std::string key_;             // the last of them
  int levels_ = 0;              // maps and lists that are open
  bool passing_ = false;        // the value that is being read is passed over
  int levels_passed_ = 0;       // open ones within it
  bool in_list_ = false;
  std::size_t index_ = 0;
  // Of the item that is being read; null between items.
  std::unique_ptr<TreeBuilder> builder_;
  std::unique_ptr<Events> events_;
};

}  // namespace

Status ReadJsonItems(std::istream& text, const std::string& file, const JsonItems& items) {
  const auto stream = std::make_unique<PieceStream>(text);
  ItemsHandler handler(*stream, file, items);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
  const auto outcome = reader.Parse<kFlags>(*stream, handler);
  if (text.bad()) return Error{ErrorCode::kFailed, file + ": cannot be read to its end"};
  if (!outcome.IsError() && !stream->found_nul()) return {};
  if (handler.error()) return *handler.error();
  if (stream->found_nul()) return handler.At("found the byte 0x00, expected UTF-8 text");
  if (outcome.Code() == rapidjson::kParseErrorDocumentEmpty) {
    return Error{ErrorCode::kInvalid, file + ": is empty"};
  }
  if (stream->at_end()) return handler.At("the text ends too early");
  return handler.At("not JSON: " + Uncapitalised(rapidjson::GetParseError_En(outcome.Code())));
}

}  // namespace ekya
