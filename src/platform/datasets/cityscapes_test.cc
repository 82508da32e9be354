#include "platform/datasets/cityscapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CityscapesTest : public ::testing::Test, protected DatasetFolder {
 protected:
  static std::string Polygons(const std::string& objects) {
    return R"({"imgHeight": 1024, "imgWidth": 2048, "objects": [)" + objects + "]}";
  }
  static std::string Object(const std::string& label, const std::string& polygon) {
    return R"({"label": ")" + label + R"(", "polygon": )" + polygon + "}";
  }
  void AddView(const std::string& split, const std::string& city, const std::string& number,
               const std::string& objects) {
    Write("leftImg8bit/" + split + "/" + city + "/" + city + "_" + number + "_leftImg8bit.png",
          PngHeader(2048, 1024));
    Write("gtFine/" + split + "/" + city + "/" + city + "_" + number + "_gtFine_polygons.json",
          Polygons(objects));
  }
  std::string FaultOf(const std::string& content) {
    AddView("train", "ulm", "000000_000019", "");
    Write("gtFine/train/ulm/ulm_000000_000019_gtFine_polygons.json", content);
    std::string fault = Fault("cityscapes", "");
    const std::string prefix = "@/gtFine/train/ulm/ulm_000000_000019_gtFine_polygons.json";
    if (fault.starts_with(prefix)) fault.replace(0, prefix.size(), "FILE");
    return fault;
  }
};

TEST_F(CityscapesTest, ReadsThePublishedLayout) {
  AddView("train", "aachen", "000001_000019",
          Object("car", "[[10, 20], [40, 20], [40, 60.5]]") + "," +
              Object("road", "[[0, 0], [2047, 1023]]"));
  AddView("train", "aachen", "000000_000019",
          Object("person", "[[-1, 5], [3, 9]]") + "," + Object("cargroup", "[[1, 2], [5, 6]]") +
              R"(, {"label": "bus", "polygon": [[1, 1], [2, 2]], "deleted": 1, "user": "x"})");
  AddView("val", "munster", "000000_000313", "");
  AddView("val", "munster", "000000_000330", Object("train", "[[0, 0], [9, 8]]"));
  AddView("test", "berlin", "000000_000019", "");
  const Dataset dataset = Read("cityscapes", "");
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, "aachen");
  EXPECT_THAT(Lines(dataset, 0, folder_ / "leftImg8bit/train/aachen"),
              ElementsAre("1.11765 aachen_000000_000019_leftImg8bit.png: person@-1,5,4x4",
                          "2.88235 aachen_000001_000019_leftImg8bit.png: car@10,20,30x40.5"));
  EXPECT_EQ(dataset.streams[1].name, "munster");
  // Within a sequence, frames are 1/17 s apart.
  EXPECT_NEAR(dataset.streams[1].frames[1].seconds - dataset.streams[1].frames[0].seconds, 1, 1e-9);
  EXPECT_EQ(dataset.streams[1].frames[0].width, 2048);
  EXPECT_EQ(dataset.classes.size(), 8U);
}

TEST_F(CityscapesTest, OnlyTheCityAskedForIsRead) {
  AddView("train", "aachen", "000000_000019", Object("person", "[[1, 5], [3, 9]]"));
  AddView("train", "zurich", "000000_000019", "");
  Write("gtFine/train/zurich/zurich_000000_000019_gtFine_polygons.json", "broken");
  EXPECT_EQ(Read("cityscapes", "", {.streams = {"aachen"}, .classes = {}}).streams.size(), 1U);
  EXPECT_EQ(Fault("cityscapes", "", {.streams = {"paris"}, .classes = {}}),
            "@/: found no stream \"paris\", expected one of: aachen, zurich");
}

TEST_F(CityscapesTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(FaultOf(""), "FILE: is empty");
  EXPECT_THAT(FaultOf("{\"imgHeight\": 1024"), HasSubstr("FILE:1: the text ends inside the map"));
  EXPECT_THAT(FaultOf("{}"), HasSubstr("FILE:1: imgWidth: found nothing"));
  EXPECT_EQ(FaultOf(Polygons(Object("carr", "[[1, 2]]"))),
            "FILE:1: objects[0].label: found \"carr\", expected a label of Cityscapes (nearest "
            "\"car\")");
  EXPECT_THAT(FaultOf(Polygons(Object("car", "[]"))), HasSubstr("polygon: found an empty list"));
  EXPECT_THAT(FaultOf(Polygons(Object("car", "[[1]]"))),
              HasSubstr("objects[0].polygon: found a list of 1, expected points [x, y]"));
  EXPECT_THAT(FaultOf(Polygons(Object("car", "[[1, null]]"))), HasSubstr("expected points"));
  EXPECT_THAT(FaultOf(Polygons(Object("car", "[[0, 0], [1e300, 1]]"))),
              HasSubstr("within a million pixels"));
  EXPECT_EQ(FaultOf(Polygons("")), "no error");
  Write("leftImg8bit/train/ulm/ulm_1_leftImg8bit.png", "");
  EXPECT_THAT(Fault("cityscapes", ""),
              HasSubstr("found that name, expected one such as ulm_000000_000019_leftImg8bit.png"));
  std::filesystem::remove(folder_ / "leftImg8bit/train/ulm/ulm_1_leftImg8bit.png");
  Write("leftImg8bit/train/ulm/ulm_000001_000019_leftImg8bit.png", "");
  EXPECT_THAT(Fault("cityscapes", ""), HasSubstr("has no labels, expected @/gtFine/train/ulm/"));
  EXPECT_THAT(Fault("cityscapes", "gtFine"), HasSubstr("leftImg8bit: cannot be listed"));
}

}  // namespace
}  // namespace ekya::datasets
