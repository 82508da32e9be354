#include "core/json_writer.h"

#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <charconv>
#include <cmath>

#include "base/check.h"

namespace ekya {

struct JsonWriter::Impl {
  rapidjson::StringBuffer buffer;
  // Both layouts as one type: PrettyWriter derives from Writer without virtual functions.
  rapidjson::PrettyWriter<rapidjson::StringBuffer> lines{buffer};
  rapidjson::Writer<rapidjson::StringBuffer> one_line{buffer};
  bool on_lines = true;

  template <typename Call>
  void Write(Call call) {
    const bool written = on_lines ? call(lines) : call(one_line);
    EKYA_CHECK(written, "a value out of its place");
  }
};

JsonWriter::JsonWriter(Layout layout) : impl_(std::make_unique<Impl>()) {
  impl_->on_lines = layout == Layout::kLines;
  impl_->lines.SetIndent(' ', 1);
}

JsonWriter::~JsonWriter() = default;

JsonWriter& JsonWriter::BeginMap() {
  impl_->Write([](auto& writer) { return writer.StartObject(); });
  return *this;
}

JsonWriter& JsonWriter::EndMap() {
  impl_->Write([](auto& writer) { return writer.EndObject(); });
  return *this;
}

JsonWriter& JsonWriter::BeginList() {
  impl_->Write([](auto& writer) { return writer.StartArray(); });
  return *this;
}

JsonWriter& JsonWriter::EndList() {
  impl_->Write([](auto& writer) { return writer.EndArray(); });
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  impl_->Write([&](auto& writer) {
    return writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  });
  return *this;
}

JsonWriter& JsonWriter::Text(std::string_view text) {
  impl_->Write([&](auto& writer) {
    return writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  });
  return *this;
}

JsonWriter& JsonWriter::Number(double number) {
  if (!std::isfinite(number)) return Null();
  char spelling[32];
  auto* const end = std::to_chars(std::begin(spelling), std::end(spelling), number).ptr;
  impl_->Write([&](auto& writer) {
    return writer.RawValue(spelling, static_cast<std::size_t>(end - spelling),
                           rapidjson::kNumberType);
  });
  return *this;
}

JsonWriter& JsonWriter::Integer(std::int64_t number) {
  impl_->Write([&](auto& writer) { return writer.Int64(number); });
  return *this;
}

JsonWriter& JsonWriter::Flag(bool flag) {
  impl_->Write([&](auto& writer) { return writer.Bool(flag); });
  return *this;
}

JsonWriter& JsonWriter::Null() {
  impl_->Write([](auto& writer) { return writer.Null(); });
  return *this;
}

JsonWriter& JsonWriter::Json(std::string_view json) {
  impl_->Write([&](auto& writer) {
    return writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  });
  return *this;
}

std::string JsonWriter::Take() {
  EKYA_CHECK(impl_->on_lines ? impl_->lines.IsComplete() : impl_->one_line.IsComplete(),
             "a map or list is still open");
  return std::string(impl_->buffer.GetString(), impl_->buffer.GetSize()) + "\n";
}

}  // namespace ekya
