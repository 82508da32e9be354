#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "platform/datasets/internal/tfrecord.h"

/// For tests: the parts of a Waymo file, in protobuf's wire format.
namespace ekya::datasets::waymo_file {

inline std::string LittleBytes(std::uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

inline std::string VarintBytes(std::uint64_t value) {
  std::string bytes;
  for (; value > 0x7f; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

inline std::string Varint(int number, std::uint64_t value) {
  return VarintBytes(static_cast<std::uint64_t>(number) << 3) + VarintBytes(value);
}
inline std::string Bytes(int number, const std::string& content) {
  return VarintBytes(static_cast<std::uint64_t>(number) << 3 | 2) + VarintBytes(content.size()) +
         content;
}
inline std::string Double(int number, double value) {
  return VarintBytes(static_cast<std::uint64_t>(number) << 3 | 1) +
         LittleBytes(std::bit_cast<std::uint64_t>(value), 8);
}

/// A record as it stands in the file.
inline std::string Record(const std::string& data) {
  const std::string length = LittleBytes(data.size(), 8);
  return length + LittleBytes(MaskedCrc32c(length), 4) + data + LittleBytes(MaskedCrc32c(data), 4);
}

inline std::string Label(double middle_x, double middle_y, double width, double height, int type) {
  return Bytes(2, Bytes(1, Double(1, middle_x) + Double(2, middle_y) + Double(5, width) +
                               Double(4, height)) +
                      Varint(3, static_cast<std::uint64_t>(type)) + Bytes(4, "id-1"));
}
inline std::string Labels(int field, int camera, const std::string& labels) {
  return Bytes(field, Varint(1, static_cast<std::uint64_t>(camera)) + labels);
}
inline std::string CameraImage(int camera, const std::string& jpeg) {
  return Bytes(4, Varint(1, static_cast<std::uint64_t>(camera)) + Bytes(2, jpeg) + Double(5, 1.5));
}
inline std::string Context(const std::string& segment = "1005081") {
  return Bytes(1, Bytes(1, segment) + Bytes(4, Bytes(2, "Dawn/Dusk") + Bytes(3, "location_sf") +
                                                   Bytes(4, "sunny")));
}
inline std::string Time(std::uint64_t micros) { return Varint(2, micros); }

}  // namespace ekya::datasets::waymo_file
