#include "platform/datasets/frame_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "platform/datasets/material_file.h"

namespace ekya::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Image PictureOf(int width, int height, std::uint8_t first) {
  Image image{width, height, {}};
  for (int i = 0; i < 3 * width * height; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(first + i));
  }
  return image;
}

class FilesTest : public testing::Test {
 protected:
  FilesTest()
      : path_(std::filesystem::temp_directory_path() / ("ekya-files-" + std::to_string(getpid()))) {
  }
  ~FilesTest() override { std::filesystem::remove(path_); }
  const std::filesystem::path path_;
};

TEST_F(FilesTest, FramesComeBackAsTheyWere) {
  KeptFrames kept;
  kept.seen = 300;
  for (int i = 0; i < 3; ++i) {
    auto frame = std::make_shared<Frame>();
    frame->index = 40 + i;
    frame->time_seconds = 0.1 + i / 3.0;
    frame->source_time = i == 1 ? "" : "dusk";
    frame->image = PictureOf(4 + i, 3, static_cast<std::uint8_t>(i));
    for (int k = 0; k < i; ++k) {
      frame->regions.push_back(
          {{0.25 * k, -1, 2, 1.5}, k == 0 ? std::optional(2) : std::nullopt, 7});
    }
    kept.frames.push_back(std::move(frame));
    kept.uncertainty.push_back(0.2 * i);
  }
  ASSERT_TRUE(SaveFrames(path_, kept).ok());
  const auto read = LoadFrames(path_);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->seen, 300);
  EXPECT_EQ(read->uncertainty, kept.uncertainty);
  ASSERT_EQ(read->frames.size(), kept.frames.size());
  for (std::size_t i = 0; i < kept.frames.size(); ++i) {
    const Frame& was = *kept.frames[i];
    const Frame& is = *read->frames[i];
    EXPECT_EQ(is.index, was.index);
    EXPECT_EQ(is.time_seconds, was.time_seconds);
    EXPECT_EQ(is.source_time, was.source_time);
    EXPECT_EQ(is.image.width, was.image.width);
    EXPECT_EQ(is.image.pixels, was.image.pixels);
    ASSERT_EQ(is.regions.size(), was.regions.size());
    for (std::size_t k = 0; k < was.regions.size(); ++k) {
      EXPECT_EQ(is.regions[k].box.x, was.regions[k].box.x);
      EXPECT_EQ(is.regions[k].truth, was.regions[k].truth);
      EXPECT_EQ(is.regions[k].track, was.regions[k].track);
    }
  }
}

TEST_F(FilesTest, MaterialComesBackAsItWas) {
  const WindowMaterial<Sample> samples{{{PictureOf(2, 2, 1), 3, 1.5}, {PictureOf(3, 1, 9), 0, 2}},
                                       {1.5}};
  ASSERT_TRUE(SaveMaterial(path_, samples).ok());
  const auto read = LoadMaterial<Sample>(path_);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->items.size(), 2U);
  EXPECT_EQ(read->items[0].label, 3);
  EXPECT_EQ(read->items[1].image.pixels, samples.items[1].image.pixels);
  EXPECT_THAT(read->sought, ElementsAre(1.5));

  const WindowMaterial<LabelledPicture> pictures{
      {{PictureOf(2, 2, 1), {}, 1}, {PictureOf(2, 2, 5), {{{1, 2, 3, 4}, 1, 0.75}}, 2}}, {}};
  ASSERT_TRUE(SaveMaterial(path_, pictures).ok());
  const auto again = LoadMaterial<LabelledPicture>(path_);
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(again->items.size(), 2U);
  EXPECT_TRUE(again->items[0].objects.empty());
  ASSERT_EQ(again->items[1].objects.size(), 1U);
  EXPECT_EQ(again->items[1].objects[0].box.height, 4);
  EXPECT_EQ(again->items[1].objects[0].score, 0.75);
}

TEST_F(FilesTest, DamageIsNamed) {
  const WindowMaterial<Sample> samples{{{PictureOf(2, 2, 1), 3, 1.5}}, {}};
  ASSERT_TRUE(SaveMaterial(path_, samples).ok());
  const std::string whole = *ReadFile(path_);
  ASSERT_TRUE(WriteFileAtomically(path_, whole.substr(0, whole.size() - 3)).ok());
  const auto truncated = LoadMaterial<Sample>(path_);
  ASSERT_FALSE(truncated.ok());
  EXPECT_THAT(truncated.error().message, HasSubstr(path_.string()));

  ASSERT_TRUE(WriteFileAtomically(path_, whole).ok());
  const auto frames = LoadFrames(path_);
  ASSERT_FALSE(frames.ok());
  EXPECT_THAT(frames.error().message, HasSubstr("'indices'"));
  std::filesystem::remove(path_);
  EXPECT_EQ(LoadFrames(path_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ekya::datasets
