#include "platform/datasets/labelled_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <memory>

#include "platform/datasets/internal/dataset_fixture.h"
#include "platform/datasets/label_export.h"
#include "platform/datasets/png.h"

namespace ekya::datasets {
namespace {

using ::testing::SizeIs;

class LabelledFramesTest : public ::testing::Test, protected DatasetFolder {
 protected:
  static FramePtr FrameOf(std::int64_t index) {
    auto frame = std::make_shared<Frame>();
    frame->index = index;
    frame->time_seconds = 0.1 * static_cast<double>(index);
    frame->image = {4, 2, std::vector<std::uint8_t>(24, static_cast<std::uint8_t>(index))};
    return frame;
  }
  const std::filesystem::path stream_ = folder_ / "lobby";
};

TEST_F(LabelledFramesTest, WhatIsKeptCanBeExported) {
  const std::vector<FrameWithLabels> frames = {
      {FrameOf(3), {{{1, 0, 2, 2}, 1, 0.5}, {{0, 0, 1, 1}, 7, 0.9}}, true},
      {FrameOf(8), {{{0, 0, std::nan(""), 1}, 0, 0.5}}, false}};
  ASSERT_TRUE(KeepLabelledFrames(stream_, 5, "golden", {"car", "bus"}, frames).ok());
  EXPECT_EQ(ReadFile(stream_ / "frames/5/8.png").value(), PngOf(frames[1].frame->image));
  auto logged = ReadLabelLogs(stream_ / "labels").value();
  ASSERT_THAT(logged.frames, SizeIs(2));
  EXPECT_FALSE(logged.frames[1].uniform);
  EXPECT_THAT(logged.frames[1].objects, SizeIs(0)) << "a box without a size is none";
  logged.classes = {"car", "bus"};
  EXPECT_EQ(ExportLabels(logged, "coco", folder_ / "out").value().frames, 2);
  const Dataset dataset = Read("coco", "out/labels.json");
  ASSERT_THAT(dataset.streams.at(0).frames, SizeIs(2));
  const LabelledFrame& first = dataset.streams[0].frames[0];
  ASSERT_THAT(first.regions, SizeIs(1)) << "a class that nobody knows is left out";
  EXPECT_EQ(first.regions[0].truth, 1);
  EXPECT_EQ(first.width, 4);
}

TEST_F(LabelledFramesTest, AgainAfterAKillIsTheSame) {
  const std::vector<FrameWithLabels> frames = {{FrameOf(3), {{{1, 0, 2, 2}, 0, 1}}, true}};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(KeepLabelledFrames(stream_, 5, "truth", {"car"}, frames).ok());
  }
  EXPECT_THAT(ReadLabelLogs(stream_ / "labels").value().frames, SizeIs(1));
}

TEST_F(LabelledFramesTest, WithoutRoomForPicturesTheLabelsAreKept) {
  Write("lobby/frames/5", "a file where the folder should be");
  const std::vector<FrameWithLabels> frames = {{FrameOf(3), {}, true}, {FrameOf(4), {}, true}};
  ASSERT_TRUE(KeepLabelledFrames(stream_, 5, "truth", {"car"}, frames).ok());
  const auto logged = ReadLabelLogs(stream_ / "labels").value();
  ASSERT_THAT(logged.frames, SizeIs(2));
  EXPECT_EQ(logged.frames[0].image, "");
}

}  // namespace
}  // namespace ekya::datasets
