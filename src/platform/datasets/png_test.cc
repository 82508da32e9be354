#include "platform/datasets/png.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace ekya::datasets {
namespace {

TEST(PngTest, ASmallPictureByteForByte) {
  Image picture{2, 2, {}};
  for (int i = 1; i <= 12; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(i));
  std::string hexadecimal;
  for (const char c : PngOf(picture)) {
    hexadecimal += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  // As Python's zlib and struct make it.
  EXPECT_EQ(hexadecimal,
            "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000001949444154"
            "7801010e00f1ff00010203040506000708090a0b0c018f004f9e3589490000000049454e44ae426082");
}

TEST(PngTest, ALargePictureHasSeveralBlocks) {
  Image picture{200, 150, {}};
  for (int i = 0; i < 3 * 200 * 150; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 7919 % 251));
  }
  const std::string png = PngOf(picture);
  // Size and CRC-32 of the whole file, as Python makes it.
  EXPECT_EQ(png.size(), 90223U);
  std::uint32_t crc = 0xffffffffU;
  for (const char c : png) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? 0xedb88320U ^ (crc >> 1) : crc >> 1;
  }
  EXPECT_EQ(~crc, 0x7d0c695aU);
}

}  // namespace
}  // namespace ekya::datasets
