#include "platform/datasets/internal/tfrecord.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ekya::datasets {
namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

/// Tables for eight bytes at a time: [k][b] is the checksum of byte b followed by k zeros.
constexpr Table MakeTable() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    table[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = table[k - 1][byte];
      table[k][byte] = before >> 8 ^ table[0][before & 0xff];
    }
  }
  return table;
}
constexpr Table kTable = MakeTable();

/// The number that `bytes` spell, the lowest first.
std::uint64_t Little(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  while (bytes.size() >= 8) {
    const std::uint64_t eight = Little(bytes.substr(0, 8)) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTable[7 - i][eight >> 8 * i & 0xff];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) {
    crc = crc >> 8 ^ kTable[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
  }
  return ~crc;
}

std::uint32_t MaskedCrc32c(std::string_view bytes) {
  const std::uint32_t crc = Crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

bool TfRecordReader::Read(std::string* to, std::uint64_t size) {
  // By pieces, so that a length that lies costs no more memory than the file has bytes.
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  to->clear();
  while (to->size() < size) {
    const std::size_t had = to->size();
    const std::uint64_t piece = std::min(kPiece, size - had);
    to->resize(had + piece);
    records_.read(to->data() + had, static_cast<std::streamsize>(piece));
    const auto got = static_cast<std::size_t>(records_.gcount());
    position_ += got;
    if (got < piece) {
      to->resize(had + got);
      return false;
    }
  }
  return true;
}

Result<std::optional<std::string_view>> TfRecordReader::Next() {
  ++index_;
  const std::uint64_t begin = position_;
  std::string header;
  if (!Read(&header, 12)) {
    if (records_.bad()) return Error{ErrorCode::kFailed, file_ + ": cannot be read to its end"};
    if (header.empty()) return std::optional<std::string_view>();
    return At(fmt::format("begins at byte {} and is cut off after {} bytes", begin, header.size()));
  }
  const std::string_view length_bytes = std::string_view(header).substr(0, 8);
  const std::uint64_t length = Little(length_bytes);
  if (const auto found = Little(std::string_view(header).substr(8));
      found != MaskedCrc32c(length_bytes)) {
    return At(
        fmt::format("at byte {}: found the checksum {:08x} of its length, expected {:08x}: "
                    "this is no TFRecord file, or it is damaged",
                    begin, found, MaskedCrc32c(length_bytes)));
  }
  if (length > kMaxRecord) {
    return At(fmt::format("has {} bytes, expected at most {}", length, kMaxRecord));
  }
  offset_ = position_;
  if (!Read(&data_, length)) {
    if (records_.bad()) return Error{ErrorCode::kFailed, file_ + ": cannot be read to its end"};
    return At(fmt::format("is cut off: found {} of its {} bytes", data_.size(), length));
  }
  std::string checksum;
  if (!Read(&checksum, 4)) return At("is cut off: its checksum is missing");
  if (Little(checksum) != MaskedCrc32c(data_)) {
    return At(fmt::format("is damaged: found the checksum {:08x}, expected {:08x}",
                          Little(checksum), MaskedCrc32c(data_)));
  }
  return std::optional<std::string_view>(data_);
}

Error TfRecordReader::At(const std::string& problem) const {
  return {ErrorCode::kInvalid, fmt::format("{}: record {}: {}", file_, index_, problem)};
}

}  // namespace ekya::datasets
