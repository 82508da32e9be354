#include "platform/datasets/waymo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "platform/datasets/internal/dataset_fixture.h"
#include "platform/datasets/internal/tfrecord.h"
#include "platform/datasets/waymo_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using namespace waymo_file;

class WaymoTest : public ::testing::Test, protected DatasetFolder {
 protected:
  std::string FaultOf(const std::string& frame) {
    Write("a.tfrecord", Record(frame));
    return Fault("waymo", "a.tfrecord");
  }
  const std::string jpeg_ = JpegHeader(1920, 1280);
};

TEST_F(WaymoTest, ChecksumsAreCastagnolis) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST_F(WaymoTest, ReadsThePublishedLayout) {
  // Two cameras; lasers (5), laser labels (6) and the pose (3) are passed over.
  const std::string lasers = Bytes(5, std::string(300, 'x')) + Bytes(6, "y") + Bytes(3, "z");
  const std::string first = Context() + Time(2'000'000) + CameraImage(1, jpeg_) + lasers +
                            Labels(8, 1, Label(100, 50, 40, 20, 1) + Label(10, 10, 4, 6, 2)) +
                            CameraImage(4, jpeg_) + Labels(8, 4, "");
  const std::string second = Context() + Time(2'100'000) + CameraImage(1, jpeg_) +
                             Labels(8, 1, Label(110, 50, 40, 20, 0)) + CameraImage(4, jpeg_);
  Write("segment-1_with_camera_labels.tfrecord", Record(second) + Record(first));
  const Dataset dataset = Read("waymo", "");
  EXPECT_THAT(dataset.classes, ElementsAre("vehicle", "pedestrian", "sign", "cyclist"));
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, "location_sf/1005081/FRONT");
  EXPECT_EQ(dataset.streams[1].name, "location_sf/1005081/SIDE_LEFT");
  const std::string file = "segment-1_with_camera_labels.tfrecord";
  EXPECT_THAT(Lines(dataset, 0, folder_),
              ElementsAre("2 " + file + ": vehicle@80,40,40x20 pedestrian@8,7,4x6",
                          "2.1 " + file + ": ?@90,40,40x20"));
  // Nobody labelled the other camera's second picture: it is left out.
  EXPECT_THAT(Lines(dataset, 1, folder_), ElementsAre("2 " + file + ":"));
  const LabelledFrame& frame = dataset.streams[0].frames[0];
  EXPECT_EQ(frame.time, "Dawn/Dusk sunny");
  EXPECT_EQ(frame.width, 1920);
  EXPECT_EQ(frame.regions[0].track, dataset.streams[0].frames[1].regions[0].track);
  const std::string content = *ReadFile(frame.picture.file);
  EXPECT_EQ(content.substr(frame.picture.offset, frame.picture.bytes), jpeg_);
}

TEST_F(WaymoTest, TakesTheLasersLabelsWhereNobodyDrewAny) {
  Write("a.tfrecord",
        Record(Context() + Time(5) + CameraImage(1, jpeg_) + Labels(9, 1, Label(10, 10, 4, 6, 4))));
  EXPECT_EQ(Lines(Read("waymo", "a.tfrecord"), 0, folder_)[0], "5e-06 a.tfrecord: cyclist@8,7,4x6");
}

TEST_F(WaymoTest, OnlyTheStreamsAskedForAreRead) {
  const std::string frame =
      Context() + Time(5) + CameraImage(1, jpeg_) + Labels(8, 1, "") + CameraImage(2, "");
  Write("a.tfrecord", Record(Context() + Time(5) + CameraImage(1, jpeg_) + Labels(8, 1, "")));
  Write("b.tfrecord",
        Record(Context("22") + Time(5) + CameraImage(1, jpeg_) + Labels(8, 1, "")) + "rest");
  const Dataset dataset = Read("waymo", "", {.streams = {"*/1005081/*"}, .classes = {}});
  EXPECT_EQ(dataset.streams.size(), 1U);
  EXPECT_EQ(Fault("waymo", "", {.streams = {"x"}, .classes = {}}),
            "@/: found no stream \"x\", expected one of: location_sf/1005081/FRONT, "
            "location_sf/22/FRONT");
}

TEST_F(WaymoTest, DamagedRecordsAreSeen) {
  const std::string record = Record(Context() + Time(5) + CameraImage(1, jpeg_) + Labels(8, 1, ""));
  const auto fault = [&](const std::string& content) {
    Write("a.tfrecord", content);
    return Fault("waymo", "a.tfrecord");
  };
  EXPECT_EQ(fault(""), "@/a.tfrecord: found no labelled frame, expected some");
  EXPECT_EQ(fault(record + record.substr(0, 5)),
            fmt::format("@/a.tfrecord: record 1: begins at byte {} and is cut off after 5 bytes",
                        record.size()));
  EXPECT_THAT(fault(record.substr(0, 40)), HasSubstr("record 0: is cut off: found 28 of its"));
  EXPECT_THAT(fault(record.substr(0, record.size() - 2)), HasSubstr("its checksum is missing"));
  std::string damaged = record;
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  EXPECT_THAT(fault(damaged), HasSubstr("record 0: is damaged: found the checksum"));
  EXPECT_THAT(fault("a text that is no TFRecord file"), HasSubstr("this is no TFRecord file"));
  // A length of a petabyte with a good checksum costs nothing.
  const std::string length = LittleBytes(std::uint64_t{1} << 50, 8);
  EXPECT_THAT(fault(length + LittleBytes(MaskedCrc32c(length), 4) + "x"),
              HasSubstr("expected at most"));
  const std::string large = LittleBytes(std::uint64_t{1} << 28, 8);
  EXPECT_THAT(fault(large + LittleBytes(MaskedCrc32c(large), 4) + "x"),
              HasSubstr("found 1 of its 268435456 bytes"));
  Write("none/readme", "");
  EXPECT_THAT(Fault("waymo", "none"), HasSubstr("found no segment"));
}

TEST_F(WaymoTest, SaysWhatIsWrongAndWhere) {
  const std::string good = Context() + Time(5) + CameraImage(1, jpeg_);
  const std::string at = "@/a.tfrecord: record 0: ";
  EXPECT_EQ(FaultOf(good + Labels(8, 1, "") + Labels(8, 1, "")),
            at + "frame: camera_labels: found FRONT twice, expected each camera once");
  EXPECT_EQ(FaultOf(good + CameraImage(1, jpeg_)),
            at + "frame: images: found FRONT twice, expected each camera once");
  EXPECT_EQ(FaultOf(good + CameraImage(9, jpeg_)),
            at + "frame: images: name: found 9, expected 0 to 8");
  EXPECT_EQ(FaultOf(good + CameraImage(2, "")), at + "frame: images: FRONT_LEFT has no picture");
  EXPECT_EQ(FaultOf(good + CameraImage(2, "no jpeg")), at + "images: is no JPEG or PNG picture");
  EXPECT_EQ(FaultOf(Time(5) + CameraImage(1, jpeg_)),
            at + "frame: context: name: found nothing, expected the segment's name");
  EXPECT_THAT(FaultOf(Context("../../x")),
              HasSubstr("context: name: found 7 bytes that are no name"));
  EXPECT_THAT(FaultOf(Context() + Time(~std::uint64_t{0})), HasSubstr("timestamp_micros: found"));
  EXPECT_EQ(FaultOf(good + Labels(8, 1, Label(1, 2, -3, 4, 1))),
            at + "frame: camera_labels: labels: box: found middle 1, 2 and size -3 x 4, expected a "
                 "width and height of at least 0 and finite numbers within a million pixels");
  EXPECT_EQ(
      FaultOf(good + Labels(8, 1, Label(std::numeric_limits<double>::quiet_NaN(), 2, 3, 4, 1))),
      at + "frame: camera_labels: labels: box: center_x: found nan, expected a number");
  EXPECT_EQ(FaultOf(good + Labels(8, 1, Label(1, 2, 3, 4, 5))),
            at + "frame: camera_labels: labels: type: found 5, expected 0 to 4");
  EXPECT_EQ(FaultOf(good + Varint(8, 3)),
            at + "frame: camera_labels: found wire type 0, expected 2 (bytes)");
  EXPECT_EQ(FaultOf(good + Bytes(2, "x")),
            at + "frame: timestamp_micros: found wire type 2, expected 0 (a whole number)");
  EXPECT_THAT(FaultOf(good + "\x42\x7f"), HasSubstr("field 8 has 127 bytes, but only 0 are left"));
  EXPECT_THAT(FaultOf(good + "\x43"), HasSubstr("the wire type 3, expected 0, 1, 2 or 5"));
  EXPECT_THAT(FaultOf(good + std::string("\0\0", 2)), HasSubstr("found the field number 0"));
  EXPECT_THAT(FaultOf(good + "\x10"), HasSubstr("the message ends within a number"));
  EXPECT_THAT(FaultOf(good + "\x10" + std::string(9, '\xff') + "\x02"),
              HasSubstr("more than 64 bits"));
  Write("a.tfrecord", Record(good + Labels(8, 1, "")) + Record(good + Labels(8, 1, "")));
  EXPECT_EQ(Fault("waymo", "a.tfrecord"),
            "@/a.tfrecord: record 1: timestamp_micros: found 5 again in location_sf/1005081/FRONT, "
            "expected each once");
}

}  // namespace
}  // namespace ekya::datasets
