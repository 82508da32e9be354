#include "stages/camera/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
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

}  // namespace
}  // namespace ekya::camera
