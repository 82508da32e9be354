#include "platform/datasets/label_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"
#include "platform/datasets/internal/dataset_fixture.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class LabelExportTest : public ::testing::Test, protected DatasetFolder {
 protected:
  LabelExportTest() {
    Write("lobby/frames/3/12.jpg", JpegHeader(640, 480));
    Write("lobby/frames/4/12.png", PngHeader(320, 240));
    Write("lobby/frames/4/20.jpg", JpegHeader(640, 480));
    const LoggedObject car{"car", {100, 50, 80, 40}, 0.75};
    const LoggedObject cut{"bus \"7\"", {600, -20, 100, 60}, 1};
    const LoggedObject outside{"car", {700, 0, 20, 20}, 1};
    // The window's number decides, not its name's place in the alphabet.
    Log(3, {{3, 12, 1.2, 640, 480, "golden", true, {car, cut, outside}, "frames/3/12.jpg"},
            {3, 16, 1.6, 640, 480, "golden", false, {car}, ""}});
    Log(4, {{4, 12, 41.2, 320, 240, "truth", true, {}, "frames/4/12.png"},
            {4, 14, 41.4, 640, 480, "truth", true, {car}, "frames/4/gone.jpg"},
            {4,
             20,
             42.0,
             640,
             480,
             "truth",
             true,
             {{"bike", {0, 0, 640, 480}, 1}},
             "frames/4/20.jpg"}});
  }

  void Log(int window, const std::vector<LoggedFrame>& frames) {
    auto log = LabelLog::Open(labels_ / (std::to_string(window) + ".jsonl")).value();
    ASSERT_TRUE(log->Append(frames).ok());
  }

  LoggedStream Logs() const {
    auto stream = ReadLabelLogs(labels_).value();
    stream.classes = {"person", "car"};
    return stream;
  }

  /// Of both formats alike.
  static void ExpectExported(const Dataset& dataset) {
    EXPECT_THAT(dataset.classes, ElementsAre("person", "car", "bus \"7\"", "bike"));
    ASSERT_THAT(dataset.streams, SizeIs(1));
    const auto& frames = dataset.streams[0].frames;
    ASSERT_THAT(frames, SizeIs(3));
    EXPECT_EQ(frames[0].picture.file.filename(), "3-12.jpg");
    EXPECT_EQ(frames[1].picture.file.filename(), "4-12.png");
    ASSERT_THAT(frames[0].regions, SizeIs(2));
    EXPECT_EQ(frames[0].regions[0].truth, 1);
    EXPECT_NEAR(frames[0].regions[0].box.x, 100, 0.01);
    EXPECT_NEAR(frames[0].regions[0].box.y, 50, 0.01);
    EXPECT_NEAR(frames[0].regions[0].box.width, 80, 0.01);
    EXPECT_NEAR(frames[0].regions[0].box.height, 40, 0.01);
    EXPECT_EQ(frames[0].regions[1].truth, 2);
    EXPECT_NEAR(frames[0].regions[1].box.width, 40, 0.01) << "cut to the frame";
    EXPECT_NEAR(frames[0].regions[1].box.height, 40, 0.01);
    EXPECT_THAT(frames[1].regions, SizeIs(0));
    EXPECT_EQ(frames[2].regions.at(0).truth, 3);
  }

  const std::filesystem::path labels_ = folder_ / "lobby" / "labels";
};

TEST_F(LabelExportTest, CocoReadsBack) {
  const auto counts = ExportLabels(Logs(), "coco", folder_ / "out").value();
  EXPECT_EQ(counts.frames, 3);
  EXPECT_EQ(counts.objects, 3);
  EXPECT_EQ(counts.without_picture, 2);
  ExpectExported(Read("coco", "out/labels.json"));
  EXPECT_THAT(ReadFile(folder_ / "out" / "labels.json").value(), HasSubstr("\"score\": 0.75"));
}

TEST_F(LabelExportTest, YoloReadsBack) {
  const auto counts = ExportLabels(Logs(), "yolo", folder_ / "out").value();
  EXPECT_EQ(counts.frames, 3);
  EXPECT_EQ(counts.objects, 3);
  ExpectExported(Read("yolo", "out/data.yaml"));
}

TEST_F(LabelExportTest, WindowsComeInTheirOrder) {
  Log(10, {{10, 1, 100, 640, 480, "truth", true, {}, ""}});
  const auto frames = Logs().frames;
  ASSERT_THAT(frames, SizeIs(6));
  EXPECT_EQ(frames.front().window, 3);
  EXPECT_EQ(frames.back().window, 10);
}

TEST_F(LabelExportTest, ADamagedWindowIsPassedOver) {
  std::ofstream(labels_ / "3.jsonl") << "{\"window\": nonsense}\n";
  const auto stream = Logs();
  EXPECT_THAT(stream.frames, SizeIs(3));
  ASSERT_THAT(stream.passed_over, SizeIs(1));
  EXPECT_THAT(stream.passed_over[0], HasSubstr("3.jsonl:1"));
}

TEST_F(LabelExportTest, RefusesWhatItCannotDo) {
  const auto format = ExportLabels(Logs(), "voc", folder_ / "out");
  ASSERT_FALSE(format.ok());
  EXPECT_EQ(format.error().message, "format of labels: found \"voc\", expected coco or yolo");
  const auto full = ExportLabels(Logs(), "coco", folder_);
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(full.error().message, HasSubstr("expected an empty folder"));
  const auto none = ReadLabelLogs(folder_ / "yard" / "labels");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ekya::datasets
