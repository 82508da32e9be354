#include "stages/camera/folder_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/file.h"
#include "stages/camera/internal/picture_fixture.h"

namespace ekya::camera {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A folder of its own with pictures of three slots at three times, ten minutes apart.
class FolderTest : public testing::Test {
 protected:
  FolderTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("folder_source_" + std::to_string(getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    WriteManifest(
        "time,slot,label,file\n"
        "2020-01-01T08:00,3,free,red.jpg\n"
        "2020-01-01T08:00,5,busy,green.jpg\n"
        "2020-01-01T08:00,40,free,blue.jpg\n"
        "2020-01-01T08:10,3,busy,green.jpg\n"
        "2020-01-01T08:10,40,free,blue.jpg\n"
        "2020-01-01T08:20,3,,red.jpg\n"
        "2020-01-01T08:20,5,busy,green.jpg\n"
        "2020-01-01T08:20,40,free,blue.jpg\n");
    Write("red.jpg", EncodeJpeg(150, 140, {220, 20, 20}));
    Write("green.jpg", EncodeJpeg(150, 140, {20, 220, 20}));
    Write("blue.jpg", EncodeJpeg(150, 140, {20, 20, 220}));
    settings_.id = "lot";
    settings_.url = "folder:" + (folder_ / "manifest.csv").string();
    settings_.speed = 60;
    settings_.frames_per_second = 2;
  }
  ~FolderTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, content).ok());
  }
  void WriteManifest(const std::string& text) { Write("manifest.csv", text); }

  std::unique_ptr<Source> Open() {
    auto source = OpenFolder(settings_);
    EXPECT_TRUE(source.ok()) << source.error().message;
    return source.ok() ? std::move(*source) : nullptr;
  }
  std::string OpenError() {
    const auto source = OpenFolder(settings_);
    return source.ok() ? "no error" : source.error().message;
  }
  static std::vector<Frame> All(Source& source, std::size_t most = 10000) {
    std::vector<Frame> frames;
    while (frames.size() < most) {
      auto frame = source.Next();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) break;
      frames.push_back(std::move(**frame));
    }
    return frames;
  }
  /// The colour in the middle of a region.
  static std::array<int, 3> Colour(const Frame& frame, const Region& region) {
    const auto x = static_cast<std::size_t>(region.box.x + region.box.width / 2);
    const auto y = static_cast<std::size_t>(region.box.y + region.box.height / 2);
    const auto* pixel =
        &frame.image.pixels[3 * (y * static_cast<std::size_t>(frame.image.width) + x)];
    return {pixel[0], pixel[1], pixel[2]};
  }

  std::filesystem::path folder_;
  CameraSettings settings_;
};

TEST_F(FolderTest, AllPicturesOfATimeAreOneFrame) {
  const auto source = Open();
  ASSERT_NE(source, nullptr);
  EXPECT_THAT(source->info().classes, ElementsAre("busy", "free"));
  EXPECT_TRUE(source->info().has_truth);
  EXPECT_FALSE(source->info().live);
  EXPECT_EQ(source->info().width, 128);
  EXPECT_EQ(source->info().height, 128);

  const auto frame = source->Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  const Frame& first = **frame;
  EXPECT_EQ(first.source_time, "2020-01-01T08:00");
  EXPECT_EQ(first.image.pixels.size(), 3U * 128 * 128);
  ASSERT_EQ(first.regions.size(), 3U);
  EXPECT_EQ(first.regions[0].track, 3);
  EXPECT_EQ(first.regions[0].truth, 1);
  EXPECT_EQ(first.regions[1].track, 5);
  EXPECT_EQ(first.regions[1].truth, 0);
  EXPECT_EQ(first.regions[2].track, 40);
  const auto red = Colour(first, first.regions[0]);
  EXPECT_NEAR(red[0], 220, 6);
  EXPECT_NEAR(red[1], 20, 6);
  EXPECT_NEAR(Colour(first, first.regions[1])[1], 220, 6);
  EXPECT_NEAR(Colour(first, first.regions[2])[2], 220, 6);
}

TEST_F(FolderTest, ScenePassesAtItsSpeedAndPicturesAreRepeatedAtTheRate) {
  const auto source = Open();
  const auto frames = All(*source);
  // Ten minutes at 60 times are 10 s, 20 frames; the last picture stays as long.
  ASSERT_EQ(frames.size(), 60U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].index, static_cast<std::int64_t>(i));
    EXPECT_DOUBLE_EQ(frames[i].time_seconds, 0.5 * static_cast<double>(i));
  }
  EXPECT_EQ(frames[19].source_time, "2020-01-01T08:00");
  EXPECT_EQ(frames[20].source_time, "2020-01-01T08:10");
  EXPECT_EQ(frames[40].source_time, "2020-01-01T08:20");
  EXPECT_EQ(frames[59].source_time, "2020-01-01T08:20");
  EXPECT_EQ(frames[5].image.pixels, frames[0].image.pixels);
}

TEST_F(FolderTest, ASlotWithoutAPictureIsNoRegionAndOneWithoutALabelHasNoTruth) {
  const auto source = Open();
  const auto frames = All(*source);
  ASSERT_EQ(frames.size(), 60U);
  ASSERT_EQ(frames[20].regions.size(), 2U);
  EXPECT_EQ(frames[20].regions[0].track, 3);
  EXPECT_EQ(frames[20].regions[1].track, 40);
  ASSERT_EQ(frames[40].regions.size(), 3U);
  EXPECT_FALSE(frames[40].regions[0].truth.has_value());
}

TEST_F(FolderTest, LoopStartsAgain) {
  settings_.loop = true;
  const auto source = Open();
  const auto frames = All(*source, 150);
  ASSERT_EQ(frames.size(), 150U);
  EXPECT_EQ(frames[60].source_time, "2020-01-01T08:00");
  EXPECT_EQ(frames[60].index, 60);
  EXPECT_EQ(frames[100].source_time, "2020-01-01T08:20");
  EXPECT_EQ(frames[120].source_time, "2020-01-01T08:00");
}

TEST_F(FolderTest, SelectTakesRangesAndLists) {
  const auto slots = [this](const std::string& select) {
    settings_.select = select;
    std::set<std::int64_t> tracks;
    if (const auto source = Open()) {
      for (const Frame& frame : All(*source)) {
        for (const Region& region : frame.regions) tracks.insert(region.track);
      }
    }
    return tracks;
  };
  EXPECT_THAT(slots("slot=1-17"), ElementsAre(3, 5));
  EXPECT_THAT(slots("slot=5,40"), ElementsAre(5, 40));
  EXPECT_THAT(slots("slot=5-"), ElementsAre(5, 40));
  EXPECT_THAT(slots("slot=-4"), ElementsAre(3));
  EXPECT_THAT(slots("slot=1-3,35-"), ElementsAre(3, 40));
  EXPECT_THAT(slots("slot=1-17;label=busy"), ElementsAre(3, 5));
  EXPECT_THAT(slots("time=2020-01-01T08:10"), ElementsAre(3, 40));
}

TEST_F(FolderTest, BadSelectionsAreErrors) {
  const auto error = [this](const std::string& select) {
    settings_.select = select;
    return OpenError();
  };
  EXPECT_THAT(error("slot=100-"), HasSubstr("select \"slot=100-\" takes no row"));
  EXPECT_THAT(error("slot"), HasSubstr("expected COLUMN=VALUES"));
  EXPECT_THAT(error("slot="), HasSubstr("expected COLUMN=VALUES"));
  EXPECT_THAT(error("place=3"), HasSubstr("there is no column \"place\""));
  EXPECT_THAT(error("slot=17-1"), HasSubstr("found \"17-1\""));
  EXPECT_THAT(error("slot=-"), HasSubstr("found \"-\""));
  EXPECT_THAT(error("slot=1,,2"), HasSubstr("empty value"));
}

TEST_F(FolderTest, ClassesOfTheSettingsGiveTheIndices) {
  settings_.classes = {"free", "busy", "blocked"};
  const auto source = Open();
  EXPECT_THAT(source->info().classes, ElementsAre("free", "busy", "blocked"));
  const auto frame = source->Next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->regions[0].truth, 0);

  settings_.classes = {"free"};
  EXPECT_THAT(OpenError(), testing::AllOf(HasSubstr("camera lot"), HasSubstr("line 3: label"),
                                          HasSubstr("found \"busy\"")));
}

TEST_F(FolderTest, DamagedAndMissingPicturesAreLeftOutWithOneWarning) {
  const std::string whole = EncodeJpeg(150, 140, {20, 220, 20});
  Write("green.jpg", whole.substr(0, whole.size() / 2));
  std::filesystem::remove(folder_ / "blue.jpg");
  testing::internal::CaptureStderr();
  settings_.loop = true;
  const auto source = Open();
  const auto frames = All(*source, 130);
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_EQ(frames.size(), 130U);
  ASSERT_EQ(frames[0].regions.size(), 1U);
  EXPECT_EQ(frames[0].regions[0].track, 3);
  const auto count = [&log](const std::string& text) {
    int found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("green.jpg"), 1) << log;
  EXPECT_THAT(log, HasSubstr("truncated JPEG"));
  EXPECT_EQ(count("blue.jpg"), 1) << log;
  EXPECT_THAT(log, HasSubstr("warning [lot] slot 40 at 2020-01-01T08:00 is left out"));
}

TEST_F(FolderTest, FilesThatAreNoPicturesAreLeftOut) {
  Write("red.jpg", "");
  Write("green.jpg", std::string(1000, 'x'));
  std::string noise = EncodeJpeg(150, 140, {20, 220, 20});
  for (std::size_t i = 2; i < noise.size() / 2; ++i) noise[i] = static_cast<char>(i * 37);
  Write("blue.jpg", noise);
  const auto source = Open();
  const auto frames = All(*source);
  ASSERT_EQ(frames.size(), 60U);
  for (const Frame& frame : frames) EXPECT_TRUE(frame.regions.empty());
}

TEST_F(FolderTest, BadManifestsAreErrorsThatNameFileAndLine) {
  const auto error = [this](const std::string& text) {
    WriteManifest(text);
    return OpenError();
  };
  const std::string file = (folder_ / "manifest.csv").string();
  EXPECT_THAT(error(""),
              testing::AllOf(HasSubstr("camera lot"), HasSubstr(file), HasSubstr("is empty")));
  EXPECT_THAT(error("time,slot,label,file\n"), HasSubstr("no row"));
  EXPECT_THAT(error("time,slot,file\n0,1,a.jpg\n"), HasSubstr("no column \"label\""));
  EXPECT_THAT(error("time,slot,label,file\nsoon,1,free,a.jpg\n"),
              HasSubstr("line 2: time: found \"soon\""));
  EXPECT_THAT(error("time,slot,label,file\n2020-13-01T08:00,1,free,a.jpg\n"),
              HasSubstr("line 2: time"));
  EXPECT_THAT(error("time,slot,label,file\nnan,1,free,a.jpg\n"), HasSubstr("line 2: time"));
  EXPECT_THAT(error("time,slot,label,file\n0,one,free,a.jpg\n"),
              HasSubstr("line 2: slot: found \"one\""));
  EXPECT_THAT(error("time,slot,label,file\n0,1,free,\n"), HasSubstr("line 2: file"));
  EXPECT_THAT(error("time,slot,label,file\n0,1,fr"), HasSubstr("line 2: found 3 fields"));
  EXPECT_THAT(error("time,slot,label,file\n0,1,free,a.jpg\n1,1,free,b.jpg\n0,1,busy,c.jpg\n"),
              HasSubstr("slot 1 has a second picture"));
  settings_.url = "folder:" + (folder_ / "absent.csv").string();
  EXPECT_THAT(OpenError(), testing::AllOf(HasSubstr("absent.csv"), HasSubstr("No such file")));
  settings_.url = "folder:" + folder_.string();
  EXPECT_THAT(OpenError(), HasSubstr("not a regular file"));
}

TEST_F(FolderTest, SpeedMustBePositive) {
  for (const double speed : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    settings_.speed = speed;
    EXPECT_THAT(OpenError(), HasSubstr("speed: found"));
  }
}

TEST_F(FolderTest, ASinglePictureIsShownOnce) {
  WriteManifest("file,label,slot,time\r\nred.jpg,\"a \"\"b\"\", c\",0,17.5\r\n");
  const auto source = Open();
  ASSERT_NE(source, nullptr);
  EXPECT_THAT(source->info().classes, ElementsAre("a \"b\", c"));
  const auto frames = All(*source);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].source_time, "17.5");
}

TEST(CnrparkTest, AnHourIsThirtySeconds) {
  const std::filesystem::path manifest =
      std::filesystem::path(EKYA_SHARED_DIR) / "data/cnrpark-a/manifest.csv";
  if (!std::filesystem::exists(manifest)) GTEST_SKIP() << "../shared/data/cnrpark-a is absent.";
  CameraSettings settings;
  settings.id = "north";
  settings.url = "folder:" + manifest.string();
  settings.select = "slot=1-17";
  settings.speed = 120;
  settings.frames_per_second = 4;
  auto source = OpenFolder(settings);
  ASSERT_TRUE(source.ok()) << source.error().message;
  EXPECT_THAT((*source)->info().classes, ElementsAre("busy", "free"));
  std::int64_t frames = 0;
  std::map<std::string, int> times;
  std::size_t most = 0;
  while (true) {
    const auto frame = (*source)->Next();
    ASSERT_TRUE(frame.ok()) << frame.error().message;
    if (!*frame) break;
    ++frames;
    ++times[(*frame)->source_time];
    most = std::max(most, (*frame)->regions.size());
    for (const Region& region : (*frame)->regions) {
      EXPECT_GE(region.track, 1);
      EXPECT_LE(region.track, 17);
      EXPECT_TRUE(region.truth.has_value());
    }
  }
  EXPECT_EQ(times.size(), 121U);
  EXPECT_EQ(most, 17U);
  // 121 times of five minutes, 2.5 s each.
  EXPECT_EQ(frames, 1210);
}

}  // namespace
}  // namespace ekya::camera
