#include "apps/report/json_members.h"

#include <charconv>
#include <limits>

#include "apps/report/text.h"

namespace ekya::report {
namespace {

template <typename Integer>
void ReadAny(MapReader& map, const std::string& key, Integer* value) {
  const Node* node = map.Any(key);
  if (node == nullptr) return;
  const std::string& text = node->text;
  const char* end = text.data() + text.size();
  Integer number = 0;
  const auto parsed = std::from_chars(text.data(), end, number);
  if (node->kind != Node::Kind::kNumber || parsed.ec != std::errc() || parsed.ptr != end) {
    map.Fail(key, "an integer from " + std::to_string(std::numeric_limits<Integer>::min()) +
                      " to " + std::to_string(std::numeric_limits<Integer>::max()));
    return;
  }
  *value = number;
}

}  // namespace

Members& Members::operator()(std::string_view key, std::string_view text) {
  json_.Key(ValidUtf8(key)).Text(ValidUtf8(text));
  return *this;
}

Members& Members::operator()(std::string_view key, const char* text) {
  return (*this)(key, std::string_view(text));
}

Members& Members::operator()(std::string_view key, const std::string& text) {
  return (*this)(key, std::string_view(text));
}

Members& Members::operator()(std::string_view key, double number) {
  json_.Key(ValidUtf8(key)).Number(number);
  return *this;
}

Members& Members::operator()(std::string_view key, int number) {
  return (*this)(key, static_cast<std::int64_t>(number));
}

Members& Members::operator()(std::string_view key, std::int64_t number) {
  json_.Key(ValidUtf8(key)).Integer(number);
  return *this;
}

Members& Members::operator()(std::string_view key, std::uint64_t number) {
  json_.Key(ValidUtf8(key)).Json(std::to_string(number));
  return *this;
}

Members& Members::operator()(std::string_view key, bool flag) {
  json_.Key(ValidUtf8(key)).Flag(flag);
  return *this;
}

Members& Members::operator()(std::string_view key, const std::optional<double>& number) {
  if (number) return (*this)(key, *number);
  json_.Key(ValidUtf8(key)).Null();
  return *this;
}

void ReadInteger(MapReader& map, const std::string& key, std::uint64_t* value) {
  ReadAny(map, key, value);
}

void ReadInteger(MapReader& map, const std::string& key, std::int64_t* value) {
  ReadAny(map, key, value);
}

void ReadNumberOrNull(MapReader& map, const std::string& key, std::optional<double>* value) {
  const Node* node = map.Any(key);
  if (node == nullptr) return;
  if (node->kind == Node::Kind::kNumber) {
    *value = node->number;
  } else if (node->kind == Node::Kind::kNull) {
    value->reset();
  } else {
    map.Fail(key, "a number or null");
  }
}

void ReadNumberOrNull(MapReader& map, const std::string& key, double otherwise, double* value) {
  std::optional<double> number;
  ReadNumberOrNull(map, key, &number);
  *value = number.value_or(otherwise);
}

}  // namespace ekya::report
