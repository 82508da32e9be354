#include "stages/camera/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "base/file.h"
#include "stages/camera/internal/ffmpeg.h"
#include "stages/camera/internal/picture_fixture.h"

namespace ekya::camera {
namespace {

TEST(PictureTest, APictureIsReadAtTheWantedSizeAndADamagedOneIsNamed) {
  const auto path = std::filesystem::path(testing::TempDir()) / "picture_test.jpg";
  const std::string bytes = EncodeJpeg(40, 30, {200, 40, 40});
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  const auto picture = ReadPicture(path, 8, 6);
  ASSERT_TRUE(picture.ok()) << picture.error().message;
  EXPECT_EQ(picture->width, 8);
  ASSERT_EQ(picture->pixels.size(), 3U * 8 * 6);
  EXPECT_GT(picture->pixels[0], picture->pixels[1] + 100);

  ASSERT_TRUE(WriteFileAtomically(path, bytes.substr(0, bytes.size() / 2)).ok());
  const auto damaged = ReadPicture(path, 8, 6);
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(damaged.error().message, testing::HasSubstr("picture_test.jpg"));
  std::filesystem::remove(path);
  EXPECT_FALSE(ReadPicture(path, 8, 6).ok());
}

TEST(PictureTest, EachPictureIsDecodedByItself) {
  PictureDecoder decoder;
  for (const AVCodecID id : {AV_CODEC_ID_PNG, AV_CODEC_ID_MJPEG}) {
    for (const std::array<std::uint8_t, 3>& colour :
         {std::array<std::uint8_t, 3>{200, 40, 40}, {20, 60, 220}, {120, 120, 120}}) {
      const auto picture = decoder.Decode(EncodePicture(id, 40, 30, colour));
      ASSERT_TRUE(picture.ok()) << picture.error().message;
      ASSERT_EQ(picture->pixels.size(), 3U * 40 * 30);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(picture->pixels[i], colour[i], 6);
    }
  }
}

}  // namespace
}  // namespace ekya::camera
