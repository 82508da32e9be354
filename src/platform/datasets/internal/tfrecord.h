#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ekya::datasets {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of `bytes`.
std::uint32_t Crc32c(std::string_view bytes);

/// The checksum as a TFRecord file writes it.
std::uint32_t MaskedCrc32c(std::string_view bytes);

/// Reads a TFRecord file record by record: each is its length (8 bytes, the lowest first), the
/// length's checksum (4), the data, and the data's checksum (4). Both are checked.
class TfRecordReader {
 public:
  /// One record may have so many bytes; Waymo's have a few million.
  static constexpr std::uint64_t kMaxRecord = std::uint64_t{512} << 20;

  /// `file` is for the messages. `records` outlives the reader.
  TfRecordReader(std::istream& records, std::string file)
      : records_(records), file_(std::move(file)) {}

  /// The next record's data, which stays valid until the next call; nothing at the file's end.
  Result<std::optional<std::string_view>> Next();
  /// Where that data begins in the file.
  std::uint64_t offset() const { return offset_; }
  /// "FILE: record 3: problem", counting from 0.
  Error At(const std::string& problem) const;

 private:
  /// Reads `size` bytes; false where the file ends before.
  bool Read(std::string* to, std::uint64_t size);

  std::istream& records_;
  const std::string file_;
  std::string data_;
  std::uint64_t offset_ = 0;
  std::uint64_t position_ = 0;
  std::int64_t index_ = -1;
};

}  // namespace ekya::datasets
