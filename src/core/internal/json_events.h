#pragma once

#include <rapidjson/reader.h>

#include <string_view>

#include "core/internal/tree_builder.h"

namespace ekya {

/// RapidJSON's events, its numbers as spellings, into a tree. `stream` says the line.
template <typename Stream>
class JsonEvents : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonEvents<Stream>> {
 public:
  JsonEvents(TreeBuilder& builder, const Stream& stream) : builder_(builder), stream_(stream) {}

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
  const Stream& stream_;
};

/// `message`, a vendor's, as the end of a sentence.
inline std::string Uncapitalised(std::string message) {
  if (!message.empty()) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  while (message.ends_with('.')) message.pop_back();
  return message;
}

}  // namespace ekya
