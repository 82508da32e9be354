#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ekya {

/// Writes one JSON text from calls in the text's order:
///
///   JsonWriter json;
///   json.BeginMap().Key("accuracy").Number(0.75).EndMap();
///   json.Take();   // {"accuracy": 0.75}
///
/// Calls in an order that makes no JSON are a bug of the caller. One thread.
class JsonWriter {
 public:
  enum class Layout { kLines, kOneLine };
  explicit JsonWriter(Layout layout = Layout::kLines);
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  JsonWriter& BeginMap();
  JsonWriter& EndMap();
  JsonWriter& BeginList();
  JsonWriter& EndList();
  JsonWriter& Key(std::string_view key);
  JsonWriter& Text(std::string_view text);
  /// The shortest spelling that reads back as the same double. JSON has neither NaN nor infinity:
  /// they become null.
  JsonWriter& Number(double number);
  JsonWriter& Number(int number) { return Integer(number); }
  JsonWriter& Integer(std::int64_t number);
  JsonWriter& Flag(bool flag);
  JsonWriter& Null();
  /// A value that is JSON already.
  JsonWriter& Json(std::string_view json);

  /// The text with a newline at its end, when every map and list is closed. Call once.
  std::string Take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ekya
