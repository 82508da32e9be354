#include "stages/camera/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "stages/camera/internal/picture_fixture.h"

namespace ekya::camera {
namespace {

using testing::HasSubstr;

TEST(OpenSourceTest, UnknownUrlsAreErrors) {
  CameraSettings settings;
  settings.id = "lobby";
  for (const std::string url : {"", "ftp://me:secret@host/clip", "scene:moon"}) {
    settings.url = url;
    const auto source = OpenSource(settings, 1);
    ASSERT_FALSE(source.ok()) << url;
    EXPECT_THAT(source.error().message, HasSubstr("camera lobby: url"));
    EXPECT_THAT(source.error().message, Not(HasSubstr("secret")));
  }
}

TEST(OpenSourceTest, RateMustMakeSense) {
  CameraSettings settings;
  settings.id = "lobby";
  settings.url = "scene:intersection";
  for (const double rate : {-1.0, 5000.0, std::numeric_limits<double>::quiet_NaN()}) {
    settings.frames_per_second = rate;
    const auto source = OpenSource(settings, 1);
    ASSERT_FALSE(source.ok());
    EXPECT_THAT(source.error().message, HasSubstr("frames_per_second: found"));
  }
}

TEST(OpenSourceTest, MasksAreBlackAndFixedRegionsAreInEveryFrame) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("open_source_" + std::to_string(getpid()));
  ASSERT_TRUE(WriteFileAtomically(folder / "white.jpg", EncodeJpeg(64, 64, {255, 255, 255})).ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "manifest.csv",
                                  "time,slot,label,file\n0,1,a,white.jpg\n0,2,b,white.jpg\n"
                                  "1,1,a,white.jpg\n1,2,b,white.jpg\n")
                  .ok());
  CameraSettings settings;
  settings.id = "lot";
  settings.url = "folder:" + (folder / "manifest.csv").string();
  settings.masks = {{-10, -10, 74, 40}, {100, 50, 1000, 1000}, {5, 5, -3, 2}};
  settings.regions = {{"exit", {70, 10, 20, 20}}, {"door", {0, 0, 10, 10}}};
  const auto source = OpenSource(settings, 1);
  ASSERT_TRUE(source.ok()) << source.error().message;
  int frames = 0;
  while (true) {
    const auto next = (*source)->Next();
    ASSERT_TRUE(next.ok());
    if (!*next) break;
    ++frames;
    const Frame& frame = **next;
    const auto at = [&frame](int x, int y) {
      return static_cast<int>(frame.image.pixels[3 * static_cast<std::size_t>(y * 128 + x)]);
    };
    EXPECT_EQ(at(0, 0), 0);
    EXPECT_EQ(at(63, 29), 0);
    EXPECT_GT(at(64, 29), 240);
    EXPECT_GT(at(63, 30), 240);
    EXPECT_EQ(at(100, 50), 0);
    EXPECT_EQ(at(127, 63), 0);
    EXPECT_GT(at(99, 63), 240);
    ASSERT_EQ(frame.regions.size(), 4U);
    EXPECT_EQ(frame.regions[2].box.x, 0);  // "door" is before "exit"
    EXPECT_EQ(frame.regions[3].box.x, 70);
    EXPECT_FALSE(frame.regions[2].truth.has_value());
    EXPECT_EQ(frame.regions[3].track, 1);
  }
  EXPECT_EQ(frames, 20);

  settings.masks = {{0, 0, 64, 33}};  // more than half of slot 1
  settings.regions.clear();
  const auto masked = OpenSource(settings, 1);
  ASSERT_TRUE(masked.ok());
  const auto frame = (*masked)->Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  ASSERT_EQ((*frame)->regions.size(), 1U);
  EXPECT_EQ((*frame)->regions[0].track, 2);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::camera
