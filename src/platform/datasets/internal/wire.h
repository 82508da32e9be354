#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ekya::datasets {

/// One field of a message in protobuf's wire format
/// (https://protobuf.dev/programming-guides/encoding).
struct WireField {
  enum class Type { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  std::uint32_t number = 0;
  Type type = Type::kVarint;
  std::uint64_t value = 0;   ///< Of all types but kBytes.
  std::string_view bytes{};  ///< Of kBytes; a part of the message.

  /// Each is an error that names `name` where the field is of another type.
  Result<std::string_view> Bytes(std::string_view name) const;
  Result<std::uint64_t> Varint(std::string_view name) const;
  /// A finite double.
  Result<double> Double(std::string_view name) const;
};

/// Goes over the fields of one message, in the file's order. Strict: groups, the field number 0,
/// numbers of more than 64 bits and lengths beyond the message's end are errors.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message), size_(message.size()) {}

  /// Reads the next field; false at the message's end.
  Result<bool> Next(WireField* field);

 private:
  Result<std::uint64_t> Varint();
  Result<std::uint64_t> Fixed(std::size_t bytes);
  Error At(std::string_view problem) const;

  std::string_view rest_;
  const std::size_t size_;
};

}  // namespace ekya::datasets
