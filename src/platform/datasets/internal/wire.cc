#include "platform/datasets/internal/wire.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace ekya::datasets {
namespace {

Error WrongType(std::string_view name, WireField::Type found, std::string_view expected) {
  return {ErrorCode::kInvalid, fmt::format("{}: found wire type {}, expected {}", name,
                                           static_cast<int>(found), expected)};
}

}  // namespace

Result<std::string_view> WireField::Bytes(std::string_view name) const {
  if (type != Type::kBytes) return WrongType(name, type, "2 (bytes)");
  return bytes;
}

Result<std::uint64_t> WireField::Varint(std::string_view name) const {
  if (type != Type::kVarint) return WrongType(name, type, "0 (a whole number)");
  return value;
}

Result<double> WireField::Double(std::string_view name) const {
  if (type != Type::kFixed64) return WrongType(name, type, "1 (a double)");
  const auto real = std::bit_cast<double>(value);
  if (!std::isfinite(real)) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: found {}, expected a number", name, real)};
  }
  return real;
}

Error WireReader::At(std::string_view problem) const {
  return {ErrorCode::kInvalid,
          fmt::format("at byte {} of {}: {}", size_ - rest_.size(), size_, problem)};
}

Result<std::uint64_t> WireReader::Varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return At("the message ends within a number");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    // The tenth byte has the 64th bit, and nothing more.
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return At("found a number of more than 64 bits");
}

Result<std::uint64_t> WireReader::Fixed(std::size_t bytes) {
  if (rest_.size() < bytes) return At("the message ends within a number");
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(rest_[i]);
  }
  rest_.remove_prefix(bytes);
  return value;
}

Result<bool> WireReader::Next(WireField* field) {
  if (rest_.empty()) return false;
  EKYA_ASSIGN(const std::uint64_t key, Varint());
  const std::uint64_t number = key >> 3;
  if (number == 0 || number >= std::uint64_t{1} << 29) {
    return At(fmt::format("found the field number {}, expected 1 to 2^29 - 1", number));
  }
  *field = {.number = static_cast<std::uint32_t>(number)};
  switch (key & 7) {
    case 0: {
      field->type = WireField::Type::kVarint;
      EKYA_ASSIGN(field->value, Varint());
      return true;
    }
    case 1: {
      field->type = WireField::Type::kFixed64;
      EKYA_ASSIGN(field->value, Fixed(8));
      return true;
    }
    case 2: {
      field->type = WireField::Type::kBytes;
      EKYA_ASSIGN(const std::uint64_t length, Varint());
      if (length > rest_.size()) {
        return At(fmt::format("field {} has {} bytes, but only {} are left", number, length,
                              rest_.size()));
      }
      field->bytes = rest_.substr(0, length);
      rest_.remove_prefix(length);
      return true;
    }
    case 5: {
      field->type = WireField::Type::kFixed32;
      EKYA_ASSIGN(field->value, Fixed(4));
      return true;
    }
    default:
      return At(
          fmt::format("field {}: found the wire type {}, expected 0, 1, 2 or 5", number, key & 7));
  }
}

}  // namespace ekya::datasets
