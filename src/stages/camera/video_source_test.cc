#include "stages/camera/video_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "stages/camera/internal/picture_fixture.h"

namespace ekya::camera {
namespace {

using testing::HasSubstr;

class VideoFileTest : public testing::Test {
 protected:
  VideoFileTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("video_source_" + std::to_string(getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
    settings_.id = "road";
  }
  ~VideoFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Clip(const std::string& name, int frames) {
    const std::string path = (folder_ / name).string();
    WriteClip(path, 96, 64, frames, 20);
    return path;
  }
  /// The frames up to the end or the error, which goes to `error`.
  std::vector<Frame> Play(const std::string& url, std::string* error, std::size_t most = 100000) {
    settings_.url = url;
    std::vector<Frame> frames;
    auto source = OpenSource(settings_, 1);
    if (!source.ok()) {
      *error = source.error().message;
      return frames;
    }
    info_ = (*source)->info();
    while (frames.size() < most) {
      auto next = (*source)->Next();
      if (!next.ok()) {
        *error = next.error().message;
        break;
      }
      if (!*next) break;
      frames.push_back(std::move(**next));
    }
    return frames;
  }
  /// Of the `of_file`th frame of the clip, beside what moves in it.
  static int Brightness(const Frame& frame, std::int64_t of_file) {
    const auto row = static_cast<std::size_t>((of_file + 20) % frame.image.height);
    return frame.image.pixels[3 * row * static_cast<std::size_t>(frame.image.width) + 30];
  }
  /// Video levels 16..235 to 0..255.
  static double Full(int luma) { return (luma - 16) * 255.0 / 219; }

  std::filesystem::path folder_;
  CameraSettings settings_;
  SourceInfo info_;
};

TEST_F(VideoFileTest, EveryFrameComesOnceAtTheNativeRate) {
  for (const std::string name : {"clip.avi", "clip.mp4", "clip.mkv"}) {
    std::string error;
    const auto frames = Play(Clip(name, 65), &error);
    EXPECT_EQ(error, "");
    EXPECT_NEAR(info_.frames_per_second, 20, 1e-6) << name;
    EXPECT_EQ(info_.width, 96);
    EXPECT_EQ(info_.height, 64);
    EXPECT_FALSE(info_.live);
    EXPECT_FALSE(info_.has_truth);
    ASSERT_EQ(frames.size(), 65U) << name;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_EQ(frames[i].index, static_cast<std::int64_t>(i));
      EXPECT_NEAR(frames[i].time_seconds, static_cast<double>(i) / 20, 1e-6);
      EXPECT_NEAR(Brightness(frames[i], static_cast<int>(i)),
                  Full(ClipBrightness(static_cast<int>(i))), 8)
          << name << i;
      EXPECT_TRUE(frames[i].regions.empty());
    }
  }
}

TEST_F(VideoFileTest, ALowerRateTakesFewerFramesAtTheFilesPace) {
  settings_.frames_per_second = 8;  // of 20: every 2nd or 3rd
  std::string error;
  const auto frames = Play("file:" + Clip("a clip.mp4", 60), &error);
  EXPECT_EQ(error, "");
  EXPECT_DOUBLE_EQ(info_.frames_per_second, 8);
  ASSERT_EQ(frames.size(), 24U);  // 3 s, as long as the file
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].index, static_cast<std::int64_t>(i));
    const auto of_file = static_cast<int>(std::ceil(static_cast<double>(i) * 2.5));
    EXPECT_NEAR(frames[i].time_seconds, of_file / 20.0, 1e-6);
    EXPECT_NEAR(Brightness(frames[i], of_file), Full(ClipBrightness(of_file)), 8) << i;
  }
}

TEST_F(VideoFileTest, AHigherRateThanTheFilesShowsNoFrameTwice) {
  settings_.frames_per_second = 100;
  std::string error;
  EXPECT_EQ(Play(Clip("clip.mp4", 30), &error).size(), 30U);
  EXPECT_NEAR(info_.frames_per_second, 20, 1e-6);
}

TEST_F(VideoFileTest, LoopStartsAgain) {
  settings_.loop = true;
  std::string error;
  const auto frames = Play(Clip("clip.avi", 20), &error, 50);
  EXPECT_EQ(error, "");
  ASSERT_EQ(frames.size(), 50U);
  EXPECT_EQ(frames[49].index, 49);
  EXPECT_NEAR(frames[49].time_seconds, 49 / 20.0, 1e-6);
  EXPECT_NEAR(Brightness(frames[0], 0), Full(ClipBrightness(0)), 8);
  EXPECT_NEAR(frames[43].image.pixels[3 * 96 * 40], Full(ClipBrightness(3)), 8);
}

TEST_F(VideoFileTest, ATruncatedFileGivesItsFramesThenAnError) {
  for (const std::string name : {"clip.avi", "clip.mp4"}) {
    const std::string path = Clip(name, 200);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    for (const bool loop : {false, true}) {
      settings_.loop = loop;
      std::string error;
      const auto frames = Play(path, &error, 1000);
      EXPECT_GT(frames.size(), 40U) << name;
      EXPECT_LT(frames.size(), 180U) << name;
      EXPECT_THAT(error, testing::AllOf(HasSubstr("camera road: "), HasSubstr(name),
                                        HasSubstr("truncated"), HasSubstr("of 200 frames")));
    }
  }
}

TEST_F(VideoFileTest, BrokenDataInTheMiddleIsPassedOver) {
  const std::string path = Clip("clip.avi", 200);
  auto content = ReadFile(path);
  ASSERT_TRUE(content.ok());
  for (std::size_t i = content->size() / 3; i < content->size() / 3 + 3000; ++i) {
    (*content)[i] = static_cast<char>(i * 31);
  }
  ASSERT_TRUE(WriteFileAtomically(path, *content).ok());
  std::string error;
  const auto frames = Play(path, &error, 1000);
  EXPECT_GT(frames.size(), 50U);
}

TEST_F(VideoFileTest, FilesThatAreNoVideosAreErrors) {
  const auto error = [this](const std::string& url) {
    std::string message;
    EXPECT_TRUE(Play(url, &message).empty());
    return message;
  };
  const auto write = [this](const std::string& name, const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, content).ok());
    return (folder_ / name).string();
  };
  EXPECT_THAT(error((folder_ / "absent.mp4").string()),
              testing::AllOf(HasSubstr("camera road"), HasSubstr("absent.mp4"),
                             HasSubstr("there is no such video file")));
  EXPECT_THAT(error(folder_.string()), HasSubstr("is no file"));
  EXPECT_THAT(error("file:"), HasSubstr("no such video file"));
  EXPECT_THAT(error(write("empty.mp4", "")), HasSubstr("no video that can be read"));
  EXPECT_THAT(error(write("text.mp4", std::string(5000, 'a') + "\n")),
              HasSubstr("no video that can be read"));
  EXPECT_THAT(error(write("list.m3u8", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n")),
              HasSubstr("no video that can be read"));
  const std::string clip = Clip("clip.mp4", 50);
  std::filesystem::resize_file(clip, 100);
  EXPECT_THAT(error(clip), HasSubstr("clip.mp4"));
}

TEST_F(VideoFileTest, RealClipsPlayAtTheirRates) {
  const std::filesystem::path clips = std::filesystem::path(EKYA_SHARED_DIR) / "data/clips";
  if (!std::filesystem::exists(clips)) GTEST_SKIP() << "../shared/data/clips is absent.";
  struct Expected {
    const char* name;
    int width, height;
    double rate;
    std::size_t frames;
  };
  for (const Expected& clip : {Expected{"street_c.mp4", 640, 352, 24, 265},
                               Expected{"highway_a.avi", 320, 240, 25, 750}}) {
    std::string error;
    const auto frames = Play((clips / clip.name).string(), &error, 300);
    EXPECT_EQ(error, "");
    EXPECT_EQ(info_.width, clip.width) << clip.name;
    EXPECT_EQ(info_.height, clip.height) << clip.name;
    EXPECT_NEAR(info_.frames_per_second, clip.rate, 0.05) << clip.name;
    EXPECT_EQ(frames.size(), std::min<std::size_t>(clip.frames, 300)) << clip.name;
  }
}

}  // namespace
}  // namespace ekya::camera
