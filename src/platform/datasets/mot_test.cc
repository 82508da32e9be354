#include "platform/datasets/mot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MotTest : public ::testing::Test, protected DatasetFolder {
 protected:
  MotTest() {
    Write("train/MOT17-02/seqinfo.ini", kInfo);
    // As published: frames in any order, ignored ones (0), other classes, a tenth column nowhere.
    Write("train/MOT17-02/gt/gt.txt",
          "2,1,912,484,97,109,0,7,1\n"
          "3,2,1,1,40,80,1,1,0.86014\n"
          "1,2,101,51,40.5,80,1,1,0.9\r\n"
          "1,3,11,21,5,6,1,3,1\n");
    for (const char* name : {"000001", "000002", "000003"}) {
      Write(std::string("train/MOT17-02/img1/") + name + ".jpg", "");
    }
  }
  std::string FaultOf(const std::string& labels, const std::string& info = kInfo) {
    Write("train/MOT17-02/seqinfo.ini", info);
    Write("train/MOT17-02/gt/gt.txt", labels);
    return Fault("mot", "train/MOT17-02");
  }
  static constexpr char kInfo[] =
      "[Sequence]\nname=MOT17-02\nimDir=img1\nframeRate=2\nseqLength=3\nimWidth=1920\n"
      "imHeight=1080\nimExt=.jpg\n\n";
};

TEST_F(MotTest, ReadsThePublishedLayout) {
  Write("train/MOT17-01/seqinfo.ini", kInfo);  // of the test: no labels
  const Dataset dataset = Read("mot", "train");
  EXPECT_EQ(dataset.classes.size(), 13U);
  ASSERT_EQ(dataset.streams.size(), 1U);
  EXPECT_EQ(dataset.streams[0].name, "MOT17-02");
  EXPECT_EQ(dataset.streams[0].frames[0].height, 1080);
  EXPECT_THAT(Lines(dataset, 0, folder_ / "train/MOT17-02"),
              ElementsAre("0 img1/000001.jpg: pedestrian@100,50,40.5x80#2 car@10,20,5x6#3",
                          "0.5 img1/000002.jpg:", "1 img1/000003.jpg: pedestrian@0,0,40x80#2"));
  EXPECT_EQ(Read("mot", "train/MOT17-02/").streams[0].name, "MOT17-02");
}

TEST_F(MotTest, TheFirstBenchmarkHasPlacesInstead) {
  Write("train/MOT17-02/gt/gt.txt", "1, 3, 795, 248, 71, 174, 1, -1, -1, -1\n");
  EXPECT_EQ(Lines(Read("mot", "train"), 0, folder_)[0],
            "0 train/MOT17-02/img1/000001.jpg: pedestrian@794,247,71x174#3");
}

TEST_F(MotTest, OtherClassesHaveNames) {
  Write("train/MOT17-02/gt/labels.txt", "cat\ndog\nbird\n");
  Write("train/MOT17-02/gt/gt.txt", "1,2,101,51,40.5,80,1,1,0.9\n1,3,11,21,5,6,1,3,1\n");
  EXPECT_EQ(Lines(Read("mot", "train"), 0, folder_)[0],
            "0 train/MOT17-02/img1/000001.jpg: cat@100,50,40.5x80#2 bird@10,20,5x6#3");
}

TEST_F(MotTest, SaysWhatIsWrongAndWhere) {
  const std::string file = "@/train/MOT17-02/gt/gt.txt";
  EXPECT_EQ(FaultOf(""), file + ": is empty; expected labels");
  EXPECT_EQ(FaultOf("1,2,3\n"), file +
                                    ":1: found 3 values, expected 7 to 10: frame,id,left,top,"
                                    "width,height,considered,class,visibility");
  EXPECT_EQ(FaultOf("1,1,1,1,5,5,1,1,1\n4,1,1,1,5,5,1,1,1\n"),
            file + ":2: frame: found \"4\", expected a whole number from 1 to 3");
  EXPECT_EQ(FaultOf("1,1,1,1,5,5,1,1,1\n1,1,2,2,5,5,1,1,1\n"),
            file + ":2: found id 1 in frame 1 again, first on line 1");
  EXPECT_THAT(FaultOf("1,1,1,1,-5,5,1,1,1\n"), HasSubstr("expected a width and height"));
  EXPECT_THAT(FaultOf("1,1,1,inf,5,5,1,1,1\n"), HasSubstr("top: found \"inf\""));
  EXPECT_THAT(FaultOf("1,1,1,1,5,5,1,14,1\n"), HasSubstr("class: found \"14\""));
  EXPECT_THAT(FaultOf("1,1,1,1,5,5,1,0,1\n"), HasSubstr("class: found \"0\""));
  EXPECT_THAT(FaultOf("1,1,1,1,5,5,1,1.5,1\n"), HasSubstr("class: found \"1.5\""));
  EXPECT_THAT(FaultOf(std::string("1,1,1,1,5,5,1,1,1\0\n", 19)), HasSubstr("NUL character"));

  const std::string labels = "1,1,1,1,5,5,1,1,1\n";
  const std::string info = "@/train/MOT17-02/seqinfo.ini";
  EXPECT_EQ(FaultOf(labels, ""), info +
                                     ": frameRate: found nothing, expected it in the section "
                                     "[Sequence]");
  EXPECT_EQ(
      FaultOf(labels, "[Sequence]\nimDir=../../../etc\n"),
      info + ":2: imDir: found \"../../../etc\", expected a name within the sequence's folder");
  EXPECT_THAT(FaultOf(labels, "[Sequence]\nimExt=/../../x\n"), HasSubstr("imExt: found"));
  EXPECT_THAT(FaultOf(labels, "[Sequence]\nframeRate=0\n"), HasSubstr("frameRate: found \"0\""));
  EXPECT_THAT(FaultOf(labels, "[Sequence]\nseqLength=1e300\n"), HasSubstr("seqLength"));
  EXPECT_THAT(FaultOf(labels, "[Sequence]\nseqLength\n"), HasSubstr("expected key=value"));
  EXPECT_THAT(FaultOf(labels, "[Sequence]\nimWidth=5\nimWidth=5\n"), HasSubstr("each key once"));
  std::filesystem::remove(folder_ / "train/MOT17-02/img1/000002.jpg");
  EXPECT_EQ(FaultOf(labels), info +
                                 ": seqLength: found 3, but there is no picture "
                                 "@/train/MOT17-02/img1/000002.jpg");
  EXPECT_THAT(Fault("mot", "train/MOT17-02/img1"), HasSubstr("found no sequence"));
  EXPECT_THAT(Fault("mot", "absent"), HasSubstr("@/absent: cannot be listed"));
}

}  // namespace
}  // namespace ekya::datasets
