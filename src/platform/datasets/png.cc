#include "platform/datasets/png.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/check.h"

namespace ekya::datasets {
namespace {

// Of a deflate block that is stored as it is (RFC 1951, section 3.2.4).
constexpr std::size_t kMostStored = 65535;

void AppendBigEndian(std::uint32_t value, std::string* text) {
  for (const int shift : {24, 16, 8, 0}) *text += static_cast<char>(value >> shift & 0xff);
}

/// CRC-32 of a chunk's name and content (PNG specification, annex D).
std::uint32_t Crc(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xedb88320U ^ (value >> 1) : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

/// Adler-32, the checksum of a zlib stream (RFC 1950).
std::uint32_t Adler(std::string_view bytes) {
  constexpr std::uint32_t kPrime = 65521;
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  while (!bytes.empty()) {
    // So many sums fit before they overflow.
    for (const char c : bytes.substr(0, 5552)) {
      a += static_cast<unsigned char>(c);
      b += a;
    }
    bytes.remove_prefix(std::min<std::size_t>(5552, bytes.size()));
    a %= kPrime;
    b %= kPrime;
  }
  return b << 16 | a;
}

void AppendChunk(const char* name, std::string_view content, std::string* file) {
  AppendBigEndian(static_cast<std::uint32_t>(content.size()), file);
  const std::size_t start = file->size();
  *file += name;
  *file += content;
  AppendBigEndian(Crc(std::string_view(*file).substr(start)), file);
}

}  // namespace

std::string PngOf(const Image& picture) {
  EKYA_CHECK(!picture.empty());
  const std::size_t row = 3 * static_cast<std::size_t>(picture.width);
  std::string rows;
  rows.reserve((row + 1) * static_cast<std::size_t>(picture.height));
  for (std::size_t at = 0; at < picture.pixels.size(); at += row) {
    rows += '\0';  // No filter.
    rows.append(reinterpret_cast<const char*>(picture.pixels.data()) + at, row);
  }
  std::string stream = "\x78\x01";
  stream.reserve(rows.size() + rows.size() / 1000 + 100);
  for (std::size_t at = 0; at < rows.size(); at += kMostStored) {
    const std::size_t size = std::min(kMostStored, rows.size() - at);
    stream += at + size == rows.size() ? '\1' : '\0';
    const auto length = static_cast<std::uint16_t>(size);
    const auto inverse = static_cast<std::uint16_t>(~length);
    for (const std::uint16_t number : {length, inverse}) {
      stream += static_cast<char>(number & 0xff);
      stream += static_cast<char>(number >> 8);
    }
    stream.append(rows, at, size);
  }
  AppendBigEndian(Adler(rows), &stream);

  std::string file("\x89PNG\r\n\x1a\n");
  std::string header;
  AppendBigEndian(static_cast<std::uint32_t>(picture.width), &header);
  AppendBigEndian(static_cast<std::uint32_t>(picture.height), &header);
  header += std::string("\x08\x02\0\0\0", 5);  // 8 bits, RGB, nothing else.
  AppendChunk("IHDR", header, &file);
  AppendChunk("IDAT", stream, &file);
  AppendChunk("IEND", "", &file);
  return file;
}

}  // namespace ekya::datasets
