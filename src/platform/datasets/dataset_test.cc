#include "platform/datasets/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/url.h"
#include "platform/datasets/internal/dataset_fixture.h"
#include "platform/datasets/internal/lines.h"
#include "platform/datasets/internal/places.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetTest : public ::testing::Test, protected DatasetFolder {};

TEST_F(DatasetTest, EveryLayoutOfAUrlHasAReader) {
  for (const std::string& layout : DatasetLayouts()) {
    EXPECT_THAT(Fault(layout, "absent"), HasSubstr("@/absent")) << layout;
    EXPECT_THAT(Fault(layout, "absent"), ::testing::Not(HasSubstr("layout"))) << layout;
    EXPECT_EQ(DatasetLayoutOf(layout + ":x"), layout);
    EXPECT_EQ(DatasetLayoutOf(layout + ":"), "");
  }
  EXPECT_EQ(DatasetLayoutOf("cocoa:x"), "");
  EXPECT_EQ(DatasetLayoutOf("coco"), "");
  EXPECT_THAT(Fault("voc", "x"),
              HasSubstr("layout: found \"voc\", expected one of: manifest, coco"));
}

TEST_F(DatasetTest, AManifestsSlotsAreStreams) {
  Write("m.csv",
        "time,slot,label,file\n2015-07-03T08:05,2,busy,b.jpg\n"
        "2015-07-03T08:05,1,free,a.jpg\n2015-07-03T08:10,1,,c.jpg\n");
  const Dataset dataset = Read("manifest", "m.csv");
  EXPECT_THAT(dataset.classes, ElementsAre("busy", "free"));
  ASSERT_EQ(dataset.streams.size(), 2U);
  EXPECT_EQ(dataset.streams[0].name, "1");
  const auto& frames = dataset.streams[0].frames;
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].seconds - frames[0].seconds, 300);
  EXPECT_EQ(frames[0].regions[0].truth, 1);
  EXPECT_FALSE(frames[1].regions[0].truth.has_value());
  Write("m.csv", "time,slot,label,file\n1,2,busy,../../etc/passwd\n");
  EXPECT_EQ(Fault("manifest", "m.csv"),
            "@/m.csv: line 2: file: found \"../../etc/passwd\", expected a path below its folder");
}

TEST_F(DatasetTest, StreamsAreJoinedOneAfterTheOther) {
  const auto stream = [](const char* name, std::vector<double> times) {
    LabelledStream made{.name = name, .frames = {}};
    for (const double time : times) {
      made.frames.emplace_back();
      made.frames.back().seconds = time;
      made.frames.back().time = fmt::format("{}{}", name, time);
    }
    return made;
  };
  const LabelledStream joined =
      Join({stream("b", {100, 102, 105}), stream("c", {7}), stream("a", {7, 8, 9})});
  std::vector<std::string> said;
  for (const auto& frame : joined.frames) {
    said.push_back(fmt::format("{}@{}", frame.time, frame.seconds));
  }
  EXPECT_EQ(joined.name, "a, c, b");
  EXPECT_THAT(said, ElementsAre("a7@7", "a8@8", "a9@9", "c7@10", "b100@13", "b102@15", "b105@18"));
  EXPECT_EQ(UsualGap(Times(joined)), 2);
  EXPECT_EQ(UsualGap({0}), 0);
  EXPECT_EQ(UsualGap({0, 0, 3}), 3);
}

TEST(PlacesTest, NamesStayBelowTheirFolder) {
  for (const char* name : {"a.jpg", "a/b.jpg", "./a", "a..b", "..a"}) {
    EXPECT_TRUE(Below("/data", name).ok()) << name;
  }
  for (const char* name : {"", "/a", "..", "../a", "a/../../b", "a/..", "./../a"}) {
    EXPECT_FALSE(Below("/data", name).ok()) << name;
  }
  EXPECT_FALSE(Below("/data", std::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(Below("/data", std::string(5000, 'a')).ok());
}

TEST(PlacesTest, NumbersInNamesCount) {
  EXPECT_TRUE(NaturalLess("frame9", "frame10"));
  EXPECT_TRUE(NaturalLess("frame09", "frame10"));
  EXPECT_FALSE(NaturalLess("frame10", "frame9"));
  EXPECT_TRUE(NaturalLess("a", "b"));
  EXPECT_TRUE(NaturalLess("a1", "a1b"));
  EXPECT_TRUE(NaturalLess("a01", "a1") != NaturalLess("a1", "a01"));
  EXPECT_FALSE(NaturalLess("a", "a"));
}

TEST(PlacesTest, PatternsFitNames) {
  EXPECT_TRUE(Fits("*", "anything"));
  EXPECT_TRUE(Fits("location_sf/*/FRONT", "location_sf/100/FRONT"));
  EXPECT_FALSE(Fits("location_sf/*/FRONT", "location_sf/100/FRONT_LEFT"));
  EXPECT_TRUE(Fits("a?c*", "abc"));
  EXPECT_FALSE(Fits("a?c", "ac"));
  EXPECT_FALSE(Fits("", "a"));
  EXPECT_TRUE(Fits("*a*b", "xxaxxb"));
  // Many stars stay quick.
  EXPECT_FALSE(Fits(std::string(50, '*') + "b", std::string(10'000, 'a')));
}

TEST(LinesTest, LinesHaveNumbersAndAnEnd) {
  std::istringstream text("\xef\xbb\xbfone\r\n\n  \ntwo");
  LineReader lines(text, "f");
  ASSERT_TRUE(*lines.Next());
  EXPECT_EQ(lines.line(), "one");
  ASSERT_TRUE(*lines.Next());
  EXPECT_EQ(lines.line(), "two");
  EXPECT_EQ(lines.number(), 4);
  EXPECT_FALSE(*lines.Next());
  std::istringstream endless(std::string(LineReader::kMaxLine + 1, 'x'));
  LineReader long_lines(endless, "f");
  EXPECT_THAT(long_lines.Next().error().message, HasSubstr("f:1: found more than"));
}

}  // namespace
}  // namespace ekya::datasets
