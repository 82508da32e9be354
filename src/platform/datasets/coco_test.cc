#include "platform/datasets/coco.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CocoTest : public ::testing::Test, protected DatasetFolder {
 protected:
  /// A file in which only one list is not as usual.
  static std::string File(
      const std::string& images, const std::string& annotations,
      const std::string& categories = R"({"id": 3, "name": "car"}, {"id": 1, "name": "person"})") {
    return "{\"info\": {\"year\": 2017},\n\"images\": [" + images + "],\n\"annotations\": [" +
           annotations + "],\n\"categories\": [" + categories + "]}";
  }
  std::string FaultOf(const std::string& content) {
    Write("labels.json", content);
    Write("1.jpg", "");
    return Fault("coco", "labels.json");
  }
  static constexpr char kImage[] = R"({"id": 1, "file_name": "1.jpg", "width": 9, "height": 8})";
  static constexpr char kObject[] =
      R"({"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]})";
};

TEST_F(CocoTest, ReadsThePublishedLayout) {
  // As published: annotations before images do, polygons, crowds, scores of keys that nobody needs.
  Write("annotations/instances_val2017.json", R"({
    "annotations": [
      {"segmentation": [[1, 2, 3, 4, 5, 6]], "area": 12.5, "iscrowd": 0, "image_id": 7,
       "bbox": [10.5, 20, 30, 40.25], "category_id": 3, "id": 100},
      {"segmentation": {"counts": [1, 2], "size": [8, 9]}, "iscrowd": 1, "image_id": 7,
       "bbox": [0, 0, 8, 9], "category_id": 1, "id": 101},
      {"iscrowd": 0, "image_id": 5, "bbox": [1, 1, 0, 5], "category_id": 1, "id": 102},
      {"iscrowd": 0, "image_id": 5, "bbox": [-2, 1, 4, 5], "category_id": 1, "id": 103}],
    "categories": [{"supercategory": "vehicle", "id": 3, "name": "car"},
                   {"supercategory": "person", "id": 1, "name": "person"}],
    "images": [{"license": 4, "file_name": "000007.jpg", "height": 427, "width": 640,
                "date_captured": "2013-11-14 17:02:52", "id": 7},
               {"file_name": "000005.jpg", "height": 427, "width": 640, "id": 5},
               {"file_name": "000009.jpg", "height": 427, "width": 640, "id": 9}]})");
  for (const char* name : {"000005", "000007", "000009"}) {
    Write(std::string("val2017/") + name + ".jpg", "");
  }
  const Dataset dataset = Read("coco", "annotations/instances_val2017.json");
  EXPECT_THAT(dataset.classes, ElementsAre("person", "car"));
  ASSERT_EQ(dataset.streams.size(), 1U);
  EXPECT_EQ(dataset.streams[0].name, "instances_val2017");
  EXPECT_EQ(dataset.streams[0].frames[0].width, 640);
  EXPECT_THAT(Lines(dataset, 0, folder_),
              ElementsAre("0 val2017/000005.jpg: person@-2,1,4x5",
                          "1 val2017/000007.jpg: car@10.5,20,30x40.25", "2 val2017/000009.jpg:"));
}

TEST_F(CocoTest, ImagesOfAVideoAreAStream) {
  Write("labels.json", R"({"videos": [{"id": 2, "name": "yard", "fps": 4}, {"id": 1}],
    "images": [{"id": 1, "file_name": "images/b.png", "video_id": 2, "frame_id": 3},
               {"id": 2, "file_name": "images/a.png", "video_id": 2, "frame_id": 1},
               {"id": 3, "file_name": "images/c.png", "video_id": 1, "frame_id": 0}],
    "annotations": [{"id": 1, "image_id": 2, "category_id": 0, "bbox": [1, 2, 3, 4],
                     "track_id": 9}],
    "categories": [{"id": 0, "name": "cat"}]})");
  for (const char* name : {"a", "b", "c"}) Write(std::string("images/") + name + ".png", "");
  const Dataset dataset = Read("coco", "labels.json");
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, "video 1");
  EXPECT_EQ(dataset.streams[1].name, "yard");
  EXPECT_THAT(Lines(dataset, 1, folder_),
              ElementsAre("0.25 images/a.png: cat@1,2,3x4#9", "0.75 images/b.png:"));
  EXPECT_EQ(Read("coco", "labels.json", {.streams = {"ya*"}, .classes = {}}).streams.size(), 1U);
  EXPECT_EQ(Fault("coco", "labels.json", {.streams = {"street"}, .classes = {}}),
            "@/labels.json: found no stream \"street\", expected one of: video 1, yard");
}

TEST_F(CocoTest, ClassesAreTakenInTheOrderAskedFor) {
  Write("labels.json", File(kImage, R"({"id": 1, "image_id": 1, "category_id": 3,
    "bbox": [1, 2, 3, 4]}, {"id": 2, "image_id": 1, "category_id": 1, "bbox": [5, 2, 3, 4]})"));
  Write("1.jpg", "");
  const Dataset swapped =
      Read("coco", "labels.json", {.streams = {}, .classes = {"car", "person"}});
  EXPECT_EQ(Lines(swapped, 0, folder_)[0], "0 1.jpg: car@1,2,3x4 person@5,2,3x4");
  EXPECT_EQ(swapped.streams[0].frames[0].regions[0].truth, 0);
  const Dataset fewer = Read("coco", "labels.json", {.streams = {}, .classes = {"person"}});
  EXPECT_EQ(Lines(fewer, 0, folder_)[0], "0 1.jpg: person@5,2,3x4");
  EXPECT_EQ(Fault("coco", "labels.json", {.streams = {}, .classes = {"cars"}}),
            "@/labels.json: classes: found \"cars\", expected some of: person, car "
            "(nearest \"car\")");
  EXPECT_THAT(Fault("coco", "labels.json", {.streams = {}, .classes = {"car", "car"}}),
              HasSubstr("\"car\" twice"));
}

TEST_F(CocoTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Fault("coco", "absent.json"), "@/absent.json: cannot open: No such file or directory");
  EXPECT_EQ(FaultOf(""), "@/labels.json: is empty");
  EXPECT_THAT(FaultOf(File(kImage, kObject).substr(0, 90)), HasSubstr("ends too early"));
  EXPECT_EQ(FaultOf(File("", kObject)), "@/labels.json: images: found none, expected at least one");
  EXPECT_EQ(FaultOf(File(kImage, "")),
            "@/labels.json: annotations: found none, expected at least one");
  EXPECT_EQ(FaultOf(File(kImage, kObject, "")),
            "@/labels.json: categories: found none, expected at least one");
  EXPECT_EQ(FaultOf(File(std::string(kImage) + ",\n" + kImage, kObject)),
            "@/labels.json:3: images[1].id: found 1 again, expected each image once");
  EXPECT_EQ(FaultOf(File(kImage, std::string(kObject) + ",\n" + kObject)),
            "@/labels.json:4: annotations[1].id: found 1 again, first on line 3, expected each "
            "annotation once");
  EXPECT_EQ(FaultOf(File(kImage, kObject, R"({"id": 3, "name": "a"}, {"id": 3, "name": "b"})")),
            "@/labels.json:4: categories[1].id: found 3 again, expected each category once");
  EXPECT_EQ(FaultOf(File(kImage, kObject, R"({"id": 3, "name": "a"}, {"id": 4, "name": "a"})")),
            "@/labels.json: categories: found \"a\" for the ids 3 and 4, expected each name once");
  EXPECT_EQ(FaultOf(File(kImage, R"({"id": 1, "image_id": 2, "category_id": 3,
                                     "bbox": [1, 2, 3, 4]})")),
            "@/labels.json:3: annotations: image_id: found 2, expected the id of one of the 1 "
            "images");
  EXPECT_EQ(FaultOf(File(kImage, R"({"id": 1, "image_id": 1, "category_id": 2,
                                     "bbox": [1, 2, 3, 4]})")),
            "@/labels.json:3: annotations: category_id: found 2, expected the id of one of the 2 "
            "categories");
  EXPECT_THAT(FaultOf(File(kImage, R"({"id": 1, "image_id": 1, "category_id": 3,
                                       "bbox": [1, 2, -3, 4]})")),
              HasSubstr("annotations[0].bbox: found [1, 2, -3, 4], expected a width and height"));
  EXPECT_THAT(FaultOf(File(kImage, R"({"id": 1, "image_id": 1, "category_id": 3,
                                       "bbox": [1, 2, 3, 4e9]})")),
              HasSubstr("within a million pixels"));
  EXPECT_THAT(FaultOf(File(kImage, R"({"id": 1, "image_id": 1, "category_id": 3,
                                       "bbox": [1, NaN, 3, 4]})")),
              HasSubstr("annotations[0]: not JSON"));
  EXPECT_THAT(FaultOf(File(kImage, R"({"id": 1, "image_id": 1, "category_id": 3,
                                       "bbox": [1, 2, 3]})")),
              HasSubstr("bbox: found a list of 3, expected a list of 4"));
  EXPECT_EQ(FaultOf(File(R"({"id": 1, "file_name": "../../1.jpg"})", kObject)),
            "@/labels.json:2: images: file_name: found \"../../1.jpg\", expected a path below its "
            "folder");
  EXPECT_THAT(FaultOf(File(R"({"id": 1, "file_name": "/etc/passwd"})", kObject)),
              HasSubstr("expected a path below its folder"));
  EXPECT_THAT(FaultOf(File(R"({"id": 1, "file_name": "absent.jpg"})", kObject)),
              HasSubstr("found \"absent.jpg\", which is no file in @, @/images, "));
  EXPECT_THAT(FaultOf(File(R"({"id": 1, "file_name": "1.jpg", "width": 0})", kObject)),
              HasSubstr("images[0].width: found 0"));
  EXPECT_THAT(
      FaultOf(File(R"({"id": 1, "file_name": "1.jpg", "video_id": 4, "frame_id": 0})", kObject)),
      HasSubstr("video_id: found 4, expected the id of one of the 0 videos"));
}

}  // namespace
}  // namespace ekya::datasets
