#include "platform/datasets/yolo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class YoloTest : public ::testing::Test, protected DatasetFolder {
 protected:
  YoloTest() {
    Write("data.yaml", "path: ../elsewhere\ntrain: images/train\nnames: [person, car]\n");
    Write("images/train/frame10.jpg", JpegHeader(200, 100));
    Write("images/train/frame9.png", PngHeader(400, 100));
    Write("labels/train/frame10.txt", "1 0.5 0.5 0.1 0.2\n0 0.05 0.1 0.1 0.2\r\n");
  }
};

TEST_F(YoloTest, ReadsThePublishedLayout) {
  Write("images/val/x.jpg", JpegHeader(10, 10));
  const Dataset dataset = Read("yolo", "");
  EXPECT_THAT(dataset.classes, ElementsAre("person", "car"));
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, "train");
  // In natural order; a picture without labels shows nothing.
  EXPECT_THAT(Lines(dataset, 0, folder_),
              ElementsAre("0 images/train/frame9.png:",
                          "1 images/train/frame10.jpg: car@90,40,20x20 person@0,0,20x20"));
  EXPECT_EQ(dataset.streams[0].frames[0].width, 400);
  EXPECT_EQ(Read("yolo", "data.yaml", {.streams = {"val"}, .classes = {}}).streams[0].name, "val");
}

TEST_F(YoloTest, ClassesComeFromALineEachToo) {
  std::filesystem::remove(folder_ / "data.yaml");
  EXPECT_EQ(Fault("yolo", ""),
            "@/: found no class names, expected data.yaml, classes.txt or obj.names");
  Write("classes.txt", "bus\r\nbike\n");
  EXPECT_THAT(Read("yolo", "").classes, ElementsAre("bus", "bike"));
  Write("classes.txt", "bus\n\nbike\n");
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("classes.txt:3: found a blank line before it"));
  Write("classes.txt", "bus\nbus\n");
  EXPECT_EQ(Fault("yolo", ""), "@/classes.txt:2: class: found \"bus\", expected each class once");
  Write("classes.txt", "");
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("is empty"));
  Write("data.yaml", "names: {0: person, 1: car}\nnc: 2\n");
  EXPECT_THAT(Read("yolo", "").classes, ElementsAre("person", "car"));
  Write("data.yaml", "names: {0: person, 2: car}\n");
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("names"));
  Write("data.yaml", "train: images\n");
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("@/data.yaml:1: names: found nothing"));
}

TEST_F(YoloTest, SaysWhatIsWrongAndWhere) {
  const auto fault = [&](const std::string& labels) {
    Write("labels/train/frame10.txt", labels);
    return Fault("yolo", "");
  };
  EXPECT_EQ(fault("0 0.5 0.5 0.1\n"),
            "@/labels/train/frame10.txt:1: found 4 values, expected 5: class x y width height");
  EXPECT_THAT(fault("0 0.5 0.5 0.1 0.1 0.9\n"), HasSubstr("found more than 5 values"));
  EXPECT_EQ(
      fault("0 0.5 0.5 0.1 0.1\n2 0.5 0.5 0.1 0.1\n"),
      "@/labels/train/frame10.txt:2: class: found \"2\", expected a whole number from 0 to 1");
  EXPECT_THAT(fault("-1 0.5 0.5 0.1 0.1\n"), HasSubstr("class: found \"-1\""));
  EXPECT_THAT(fault("0 nan 0.5 0.1 0.1\n"), HasSubstr("x: found \"nan\", expected a number"));
  EXPECT_THAT(fault("0 0.5 0.5 -0.1 0.1\n"),
              HasSubstr("width: found \"-0.1\", expected a part of the picture, from 0 to 1"));
  EXPECT_THAT(fault("0 50 0.5 0.1 0.1\n"), HasSubstr("x: found \"50\""));
  EXPECT_EQ(fault(""), "no error");
  Write("labels/train/frame11.txt", "");
  EXPECT_EQ(Fault("yolo", ""),
            "@/labels/train/frame11.txt: found labels without a picture, expected "
            "@/images/train/frame11.jpg, .jpeg or .png");
  Write("images/train/frame11.jpg", "no picture");
  EXPECT_EQ(Fault("yolo", ""), "@/images/train/frame11.jpg: is no JPEG or PNG picture");
  Write("images/train/frame11.jpg", JpegHeader(4, 4).substr(0, 14));
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("frame11.jpg: is a picture whose header is cut off"));
  Write("images/train/frame11.jpg", JpegHeader(4, 4));
  Write("images/train/frame11.png", PngHeader(4, 4));
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("found a second picture of that name"));
  EXPECT_THAT(Fault("yolo", "labels"), HasSubstr("found no class names"));
  std::filesystem::remove_all(folder_ / "images");
  EXPECT_THAT(Fault("yolo", ""), HasSubstr("@/images: cannot be listed"));
}

}  // namespace
}  // namespace ekya::datasets
