#include "stages/camera/dataset_source.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "platform/datasets/waymo_fixture.h"
#include "stages/camera/internal/picture_fixture.h"
#include "stages/camera/internal/playhead.h"

namespace ekya::camera {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetSourceTest : public ::testing::Test {
 protected:
  DatasetSourceTest() {
    folder_ =
        std::filesystem::temp_directory_path() /
        fmt::format("ekya-dataset-source-{}-{}",
                    ::testing::UnitTest::GetInstance()->current_test_info()->name(), getpid());
    std::filesystem::remove_all(folder_);
    settings_.id = "cam";
  }
  ~DatasetSourceTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, content).ok());
  }
  /// Two red frames and a blue one of a video of 4 frames a second, whose second is late.
  void WriteCoco() {
    Write("coco.json", R"({"videos": [{"id": 1, "name": "yard", "fps": 4}],
      "images": [{"id": 1, "file_name": "a.jpg", "video_id": 1, "frame_id": 8},
                 {"id": 2, "file_name": "b.png", "video_id": 1, "frame_id": 10},
                 {"id": 3, "file_name": "c.jpg", "video_id": 1, "frame_id": 11}],
      "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [2, 3, 10, 12]},
                      {"id": 2, "image_id": 2, "category_id": 8, "bbox": [4, 5, 10, 12]},
                      {"id": 3, "image_id": 2, "category_id": 8, "bbox": [90, 5, 10, 12]}],
      "categories": [{"id": 7, "name": "car"}, {"id": 8, "name": "dog"}]})");
    Write("a.jpg", EncodePicture(AV_CODEC_ID_MJPEG, 64, 32, {200, 10, 10}));
    Write("b.png", EncodePicture(AV_CODEC_ID_PNG, 48, 40, {10, 10, 200}));
    Write("c.jpg", EncodePicture(AV_CODEC_ID_MJPEG, 64, 32, {200, 10, 10}));
    settings_.url = "coco:" + (folder_ / "coco.json").string();
  }
  std::unique_ptr<Source> Open() {
    auto source = OpenSource(settings_, 1);
    EXPECT_TRUE(source.ok()) << source.error().message;
    return source.ok() ? std::move(*source) : nullptr;
  }
  std::string Fault() {
    const auto source = OpenSource(settings_, 1);
    return source.ok() ? "no error" : source.error().message;
  }
  /// A frame as "index@time width 'source time' red-or-blue: class@x,y ...", up to the end or
  /// `most`.
  static std::vector<std::string> Play(Source& source, int most = 100) {
    std::vector<std::string> said;
    for (int i = 0; i < most; ++i) {
      auto frame = source.Next();
      EXPECT_TRUE(frame.ok()) << frame.error().message;
      if (!frame.ok() || !*frame) break;
      const Image& image = (*frame)->image;
      const std::size_t middle =
          3 * (static_cast<std::size_t>(image.height / 2) * image.width + image.width / 2);
      std::string line =
          fmt::format("{}@{:.4g} {} '{}' {}:", (*frame)->index, (*frame)->time_seconds, image.width,
                      (*frame)->source_time, image.pixels[middle] > 120 ? "red" : "blue");
      for (const Region& region : (*frame)->regions) {
        line +=
            fmt::format(" {}@{},{}", region.truth ? *region.truth : -1, region.box.x, region.box.y);
      }
      said.push_back(line);
    }
    return said;
  }

  std::filesystem::path folder_;
  CameraSettings settings_;
};

TEST_F(DatasetSourceTest, ShowsEachFrameWhenItsTimeComes) {
  WriteCoco();
  auto source = Open();
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->info().width, 64);
  EXPECT_TRUE(source->info().has_truth);
  EXPECT_THAT(source->info().classes, ElementsAre("car", "dog"));
  // Two frames lie twice as far apart as the other two: at this rate each shows.
  EXPECT_EQ(source->info().frames_per_second, 4);
  // A label outside the picture is none. The last one stays for the usual gap.
  EXPECT_THAT(
      Play(*source),
      ElementsAre("0@0 64 'a.jpg' red: 0@2,3", "1@0.25 64 'a.jpg' red: 0@2,3",
                  "2@0.5 48 'b.png' blue: 1@4,5", "3@0.75 64 'c.jpg' red:", "4@1 64 'c.jpg' red:"));
  settings_.loop = true;
  source = Open();
  const auto looped = Play(*source, 7);
  EXPECT_EQ(looped[5], "5@1.25 64 'a.jpg' red: 0@2,3");
}

TEST_F(DatasetSourceTest, SpeedAndClassesAreTheSettings) {
  WriteCoco();
  settings_.speed = 4;
  settings_.classes = {"dog"};
  auto source = Open();
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->info().frames_per_second, 16);
  EXPECT_EQ(Play(*source, 3)[2], "2@0.125 48 'b.png' blue: 0@4,5");
  settings_.classes = {"cow"};
  EXPECT_THAT(Fault(), HasSubstr("camera cam: "));
  EXPECT_THAT(Fault(), HasSubstr("classes: found \"cow\", expected some of: car, dog"));
}

TEST_F(DatasetSourceTest, ADamagedPictureIsLeftOut) {
  WriteCoco();
  const std::string png = EncodePicture(AV_CODEC_ID_PNG, 48, 40, {10, 10, 200});
  Write("b.png", png.substr(0, png.size() / 2));
  EXPECT_EQ(Play(*Open())[2], "2@0.5 64 'a.jpg' red: 0@2,3");
  std::string wrong = png;
  wrong[png.size() / 2] = static_cast<char>(wrong[png.size() / 2] ^ 0x55);
  Write("b.png", wrong);
  EXPECT_EQ(Play(*Open())[2], "2@0.5 64 'a.jpg' red: 0@2,3");
  Write("a.jpg", "no picture");
  EXPECT_THAT(Fault(), HasSubstr("a.jpg: is not a JPEG or PNG picture"));
}

TEST_F(DatasetSourceTest, TheStreamIsSelected) {
  for (const char* city : {"aachen", "bochum"}) {
    const std::string name = fmt::format("train/{}/{}_000000_000019_", city, city);
    Write("leftImg8bit/" + name + "leftImg8bit.png",
          EncodePicture(AV_CODEC_ID_PNG, 32, 16, {200, 0, 0}));
    Write("gtFine/" + name + "gtFine_polygons.json",
          R"({"imgHeight": 16, "imgWidth": 32,
              "objects": [{"label": "bus", "polygon": [[1, 2], [9, 8]]}]})");
  }
  settings_.url = "cityscapes:" + folder_.string();
  EXPECT_THAT(Fault(), HasSubstr("select: found nothing, expected \"stream=NAME\", one or some of "
                                 "the data set's 2: aachen, bochum"));
  settings_.select = "stream=bochum";
  EXPECT_THAT(Play(*Open()), ElementsAre("0@0 32 'bochum_000000_000019_leftImg8bit' red: 3@1,2"));
  settings_.select = "stream=aachen,b*";
  EXPECT_EQ(Play(*Open()).size(), 2U);
  settings_.select = "stream=paris";
  EXPECT_THAT(Fault(), HasSubstr("expected one of: aachen, bochum"));
  for (const char* wrong : {"slot=1", "stream=", "bochum"}) {
    settings_.select = wrong;
    EXPECT_THAT(Fault(), HasSubstr("expected such as \"stream=aachen\"")) << wrong;
  }
}

TEST_F(DatasetSourceTest, PicturesMayBeFramesOfAVideo) {
  std::filesystem::create_directories(folder_ / "sample_lists");
  WriteClip((folder_ / "las_vegas_24h_0.mp4").string(), 64, 48, 8, 4);
  Write("sample_lists/las_vegas_24h_0_4fps.csv",
        "idx,class,x0,y0,x1,y1\n1,3,1,2,20,20\n4,1,5,6,20,20\n6,8,7,8,20,20\n");
  settings_.url = "vegas:" + folder_.string();
  settings_.frames_per_second = 4;
  auto source = Open();
  ASSERT_NE(source, nullptr);
  std::vector<int> brightness;
  for (int i = 0; i < 6; ++i) {
    const auto frame = source->Next();
    ASSERT_TRUE(frame.ok() && *frame);
    brightness.push_back((*frame)->image.pixels[3 * (40 * 64 + 32)]);
  }
  // Frames 1, 4 and 6 of the clip, each until the next one's time; a video's black is 16.
  const auto shown = [](int frame) { return (ClipBrightness(frame) - 16) * 255 / 219; };
  EXPECT_NEAR(brightness[0], shown(0), 5);
  EXPECT_EQ(brightness[2], brightness[0]);
  EXPECT_NEAR(brightness[3], shown(3), 5);
  EXPECT_NEAR(brightness[5], shown(5), 5);
}

TEST_F(DatasetSourceTest, PicturesMayBePartsOfAFile) {
  using namespace datasets::waymo_file;
  const std::string red = EncodePicture(AV_CODEC_ID_MJPEG, 64, 48, {200, 10, 10});
  const std::string blue = EncodePicture(AV_CODEC_ID_MJPEG, 64, 48, {10, 10, 200});
  Write("a.tfrecord",
        Record(Context() + Time(1'000'000) + CameraImage(1, red) +
               Labels(8, 1, Label(10, 10, 4, 6, 2))) +
            Record(Context() + Time(1'100'003) + CameraImage(1, blue) + Labels(8, 1, "")));
  settings_.url = "waymo:" + (folder_ / "a.tfrecord").string();
  EXPECT_THAT(Play(*Open()), ElementsAre("0@0 64 'Dawn/Dusk sunny' red: 1@8,7",
                                         "1@0.1 64 'Dawn/Dusk sunny' blue:"));
}

TEST_F(DatasetSourceTest, AManifestsPictureIsOneRegion) {
  Write("m.csv", "time,slot,label,file\n0,4,busy,a.jpg\n");
  Write("a.jpg", EncodePicture(AV_CODEC_ID_MJPEG, 64, 32, {200, 10, 10}));
  settings_.url = "manifest:" + (folder_ / "m.csv").string();
  const auto source = Open();
  ASSERT_NE(source, nullptr);
  const auto frame = source->Next();
  ASSERT_TRUE(frame.ok() && *frame);
  ASSERT_EQ((*frame)->regions.size(), 1U);
  EXPECT_EQ((*frame)->regions[0].box.width, 64);
  EXPECT_EQ((*frame)->regions[0].box.height, 32);
}

TEST(PlayheadTest, TimesThatAreNotExactShowOnceEach) {
  Playhead playhead({0, 0.098, 0.203, 0.299, 0.401},
                    {.speed = 1, .frames_per_second = 10, .loop = true, .slack = 0.5});
  std::vector<std::size_t> shown;
  for (int i = 0; i < 7; ++i) shown.push_back(*playhead.At(i));
  EXPECT_THAT(shown, ElementsAre(0, 1, 2, 3, 4, 0, 1));
  Playhead once({0}, {.speed = 2, .frames_per_second = 4, .loop = false, .slack = 0});
  EXPECT_EQ(once.At(0), 0U);
  EXPECT_EQ(once.At(1), std::nullopt);
}

}  // namespace
}  // namespace ekya::camera
