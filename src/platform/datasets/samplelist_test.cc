#include "platform/datasets/samplelist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SamplelistTest : public ::testing::Test, protected DatasetFolder {};

TEST_F(SamplelistTest, ReadsTheListsOfCityscapes) {
  // As the paper's code writes them: no header, files in any order, below the data set's root.
  Write("sample_lists/citywise/aachen_fine.csv",
        "0,train/aachen/a_10.png,1,10,20,30,45\r\n"
        "1,train/aachen/a_9.png,0,1,2,3.5,4\n"
        "2,train/aachen/a_10.png,0,5,5,6,6\n");
  Write("leftImg8bit/train/aachen/a_9.png", "");
  Write("leftImg8bit/train/aachen/a_10.png", "");
  Write("classes.txt", "person\ncar\n");
  const Dataset dataset = Read("samplelist", "sample_lists/citywise/aachen_fine.csv");
  EXPECT_EQ(dataset.streams[0].name, "aachen_fine");
  EXPECT_THAT(
      Lines(dataset, 0, folder_ / "leftImg8bit/train/aachen"),
      ElementsAre("0 a_9.png: person@1,2,2.5x2", "1 a_10.png: car@10,20,20x25 person@5,5,1x1"));
}

TEST_F(SamplelistTest, ReadsFramesOfAVideo) {
  Write("yard_0.5fps.csv", "idx,class,x0,y0,x1,y1\n3,car,1,2,3,4\n1,dog,1,2,5,6\n3,dog,0,0,1,1\n");
  Write("yard.mp4", "");
  const Dataset dataset = Read("samplelist", "");
  EXPECT_THAT(dataset.classes, ElementsAre("car", "dog"));
  EXPECT_THAT(Lines(dataset, 0, folder_),
              ElementsAre("0 yard.mp4[0]: dog@1,2,4x4", "4 yard.mp4[2]: car@1,2,2x2 dog@0,0,1x1"));
  // Frames that were taken out of it go first.
  Write("yard/frame_images/000001.jpg", "");
  EXPECT_EQ(Fault("samplelist", ""),
            "@/yard_0.5fps.csv:2: frame: found 3, but neither yard/frame_images/000003.jpg nor "
            "yard.mp4 is a file in the list's folder or the three above it");
  Write("yard/frame_images/000003.jpg", "");
  EXPECT_EQ(Lines(Read("samplelist", ""), 0, folder_)[1],
            "4 yard/frame_images/000003.jpg: car@1,2,2x2 dog@0,0,1x1");
}

TEST_F(SamplelistTest, ReadsCropsOfWaymo) {
  Write("phx_labels.csv",
        "idx,image name,class,timestamp,weather,location,time of day,segment,frame index,"
        "camera name,label id,xmin,ymin,xmax,ymax\n"
        "0,0000_a.jpg,1,1500000,sunny,phx,Day,segment-1,0,FRONT,a,1,2,3,4\n"
        "0,0000_b.jpg,0,2500000,sunny,phx,Day,segment-2,0,SIDE_LEFT,b,1,2,3,4\n");
  Write("segment-1/FRONT/0000_a.jpg", "");
  Write("segment-2/SIDE_LEFT/0000_b.jpg", "");
  const Dataset dataset =
      Read("samplelist", "phx_labels.csv", {.streams = {}, .classes = {"vehicle", "pedestrian"}});
  EXPECT_THAT(Lines(dataset, 0, folder_),
              ElementsAre("1.5 segment-1/FRONT/0000_a.jpg: pedestrian@0,0,0x0",
                          "2.5 segment-2/SIDE_LEFT/0000_b.jpg: vehicle@0,0,0x0"));
}

TEST_F(SamplelistTest, ReadsBellevueAndLasVegas) {
  // As the paper's code leaves them: videos, their frames, and the golden model's labels.
  const std::string first = "Bellevue_116th_NE12th__2017-09-10_19-08-25";
  const std::string second = "Bellevue_116th_NE12th__2017-09-11_01-08-29";
  const std::string header = "idx,frame id,class,xmin,ymin,xmax,ymax,score,timestamp,camera\n";
  Write("sample_lists/citywise/" + second + "_0.5fps.csv",
        header + "0,1,3,10,20,50.5,60,0.9,0.0," + second + "\n");
  Write("sample_lists/citywise/" + first + "_0.5fps.csv",
        header + "0,2,8.0,10,20,30,60,0.9,2.0," + first + "\n" +  // a truck
            "1,2,10,10,20,30,60,0.9,2.0," + first + "\n" +        // a traffic light
            "2,1,1,1,1,3,5,0.9,0.0," + first + "\n");             // a person
  Write(first + ".mp4", "");
  Write(second + "/frame_images/000001.jpg", "");
  const Dataset dataset = Read("bellevue", "");
  EXPECT_THAT(dataset.classes,
              ElementsAre("person", "car", "truck", "bus", "bicycle", "motorcycle"));
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, first + "_0.5fps");
  const auto& frames = dataset.streams[0].frames;
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].picture.video_frame, 0);
  EXPECT_EQ(frames[1].picture.video_frame, 1);
  EXPECT_EQ(frames[1].regions.size(), 1U);
  EXPECT_EQ(frames[1].seconds - frames[0].seconds, 2);
  // The names' dates put one after the other: six hours and four seconds later.
  EXPECT_EQ(dataset.streams[1].frames[0].seconds - frames[0].seconds, 6 * 3600 + 4);

  Write("vegas/samplelists/las_vegas_24h_0_0.2fps.csv", "0,1,3,10,20,50,60\n");
  EXPECT_THAT(Fault("vegas", "vegas"), HasSubstr("imgpath: found \"1\", which is no file"));
  Write("vegas/samplelists/las_vegas_24h_0_0.2fps.csv", "2,3,10,20,50,60\n");
  Write("vegas/las_vegas_24h_0.mp4", "");
  EXPECT_THAT(Lines(Read("vegas", "vegas"), 0, folder_),
              ElementsAre("5 vegas/las_vegas_24h_0.mp4[1]: car@10,20,40x40"));
  Write("vegas/samplelists/las_vegas_24h_0_0.2fps.csv", "2,91,10,20,50,60\n");
  EXPECT_EQ(
      Fault("vegas", "vegas"),
      "@/vegas/samplelists/las_vegas_24h_0_0.2fps.csv:1: class: found \"91\", expected a COCO "
      "class's number, from 1 to 90");
  EXPECT_THAT(Fault("bellevue", "vegas/samplelists"), HasSubstr("found no lists"));
}

TEST_F(SamplelistTest, SaysWhatIsWrongAndWhere) {
  Write("a.jpg", "");
  const auto fault = [&](const std::string& rows) {
    Write("list.csv", rows);
    return Fault("samplelist", "list.csv");
  };
  EXPECT_EQ(fault(""), "@/list.csv: found no row, expected some");
  EXPECT_EQ(fault("idx,class,x0,y0,x1,y1\n"), "@/list.csv: found no row, expected some");
  EXPECT_EQ(fault("0,a.jpg,car\n"),
            "@/list.csv:1: found 3 values and no header, expected 6 (idx,class,x0,y0,x1,y1) or 7 "
            "(idx,imgpath,class,x0,y0,x1,y1)");
  EXPECT_THAT(fault("idx,class\n"), HasSubstr("header: found \"idx,class\", expected columns"));
  EXPECT_THAT(fault("idx,class,class,x0,y0,x1,y1\n"), HasSubstr("each column once"));
  EXPECT_THAT(fault("idx,image name,class\n0,a.jpg,car\n"), HasSubstr("the columns segment"));
  EXPECT_EQ(fault("0,a.jpg,car,1,2,3,4\n1,a.jpg,car,1,2,3\n"),
            "@/list.csv:2: found 6 values, expected 7 as in the first line");
  EXPECT_EQ(fault("0,a.jpg,car,1,2,nan,4\n"), "@/list.csv:1: x1: found \"nan\", expected a number");
  EXPECT_EQ(fault("0,a.jpg,car,5,2,3,4\n"), "@/list.csv:1: x1: found \"3\", expected at least x0");
  EXPECT_EQ(fault("0,a.jpg,car,5,5,6,4\n"), "@/list.csv:1: y1: found \"4\", expected at least y0");
  EXPECT_THAT(fault("0,a.jpg,car,0,0,1e9,4\n"), HasSubstr("within a million pixels"));
  EXPECT_THAT(fault("0,a.jpg,,0,0,1,4\n"), HasSubstr("class: found \"\""));
  EXPECT_THAT(fault("0,a.jpg,-1,0,0,1,4\n"), HasSubstr("class: found \"-1\""));
  EXPECT_EQ(fault("0,../a.jpg,car,0,0,1,4\n"),
            "@/list.csv:1: imgpath: found \"../a.jpg\", expected a path below its folder");
  EXPECT_THAT(fault("frame id,camera,class,x0,y0,x1,y1\n1,../x,car,0,0,1,1\n"),
              HasSubstr("@/list.csv:2: camera: found \"../x\""));
  EXPECT_THAT(fault("0,absent.jpg,car,0,0,1,4\n"),
              HasSubstr("@/list.csv:1: imgpath: found \"absent.jpg\", which is no file in @, "));
  EXPECT_THAT(fault("0,car,0,0,1,4\n"), HasSubstr("frame: found 0, expected a number from 1"));
  EXPECT_THAT(fault("0,a.jpg,3,0,0,1,4\n"), HasSubstr("class: found numbers, expected a file"));
  Write("classes.txt", "a\nb\n");
  EXPECT_EQ(fault("0,a.jpg,2,0,0,1,4\n"),
            "@/list.csv:1: class: found \"2\", expected a number below 2");
  EXPECT_EQ(fault("0,a.jpg,0,0,0,1,4\n1,a.jpg,car,0,0,1,4\n"),
            "@/list.csv:2: class: found \"car\", expected a number below 2");
  EXPECT_EQ(Fault("samplelist", "absent.csv"),
            "@/absent.csv: cannot open: No such file or directory");
  std::filesystem::create_directories(folder_ / "empty");
  EXPECT_THAT(Fault("samplelist", "empty"), HasSubstr("found no samplelist"));
}

}  // namespace
}  // namespace ekya::datasets
