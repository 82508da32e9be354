#include "platform/datasets/label_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"

namespace ekya::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LoggedFrame FrameOf(std::int64_t index) {
  LoggedFrame frame;
  frame.window = 3;
  frame.frame_index = index;
  frame.time_seconds = 0.1 * static_cast<double>(index);
  frame.width = 640;
  frame.height = 480;
  frame.source = "golden";
  frame.uniform = index % 2 == 0;
  frame.objects = {{"car", {-1.5, 2, 30, 40.25}, 0.875}, {"bus \"7\"", {100, 20, 0, 40}, 1}};
  frame.image = "frames/3/" + std::to_string(index) + ".jpg";
  return frame;
}

class LabelLogTest : public ::testing::Test {
 protected:
  LabelLogTest() { std::filesystem::remove_all(root_); }
  ~LabelLogTest() override { std::filesystem::remove_all(root_); }

  std::string Text() const { return ReadFile(path_).value(); }

  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() /
      ("ekya-label-log-" + std::to_string(::getpid()) + "-" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::filesystem::path path_ = root_ / "streams" / "lobby" / "labels" / "3.jsonl";
};

TEST_F(LabelLogTest, GivesBackWhatWasWritten) {
  {
    auto log = LabelLog::Open(path_).value();
    ASSERT_TRUE(log->Append({FrameOf(4), FrameOf(9)}).ok());
    LoggedFrame empty = FrameOf(12);
    empty.objects.clear();
    empty.image.clear();
    empty.source = "truth";
    ASSERT_TRUE(log->Append({empty}).ok());
    ASSERT_TRUE(log->Sync().ok());
  }
  const auto frames = ReadLabelLog(Text(), "log").value();
  ASSERT_THAT(frames, SizeIs(3));
  EXPECT_EQ(WriteLoggedFrame(frames[0]), WriteLoggedFrame(FrameOf(4)));
  EXPECT_EQ(frames[1].objects[1].class_name, "bus \"7\"");
  EXPECT_EQ(frames[1].objects[0].box.height, 40.25);
  EXPECT_EQ(frames[1].image, "frames/3/9.jpg");
  EXPECT_THAT(frames[2].objects, IsEmpty());
  EXPECT_EQ(frames[2].source, "truth");
  EXPECT_EQ(frames[2].image, "");
}

TEST_F(LabelLogTest, AKilledWritersLineIsPassedOverAndTakenAway) {
  ASSERT_TRUE(LabelLog::Open(path_).value()->Append({FrameOf(1), FrameOf(2)}).ok());
  const std::string whole = Text();
  const std::size_t first = whole.find('\n') + 1;
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto frames = ReadLabelLog(std::string_view(whole).substr(0, cut), "log");
    ASSERT_TRUE(frames.ok()) << cut << ": " << frames.error().message;
    EXPECT_EQ(frames->size(), cut < first ? 0U : cut < whole.size() ? 1U : 2U) << cut;
  }
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, first - 1, first, first + 5}) {
    std::ofstream(path_) << whole.substr(0, cut);
    ASSERT_TRUE(LabelLog::Open(path_).value()->Append({FrameOf(7)}).ok());
    const auto frames = ReadLabelLog(Text(), "log").value();
    ASSERT_THAT(frames, SizeIs(cut < first ? 1 : 2)) << cut;
    EXPECT_EQ(frames.back().frame_index, 7);
  }
}

TEST_F(LabelLogTest, AHalfLineLongerThanABlockIsTakenAwayToo) {
  ASSERT_TRUE(LabelLog::Open(path_).value()->Append({FrameOf(1)}).ok());
  const std::string whole = Text();
  std::ofstream(path_, std::ios::app) << std::string(10'000, ' ');
  ASSERT_TRUE(LabelLog::Open(path_).ok());
  EXPECT_EQ(Text(), whole);
  std::ofstream(path_) << std::string(10'000, ' ');
  ASSERT_TRUE(LabelLog::Open(path_).ok());
  EXPECT_EQ(Text(), "");
}

TEST_F(LabelLogTest, WhatIsLabelledAgainStandsAsTheLastLineSays) {
  LoggedFrame again = FrameOf(1);
  again.objects.clear();
  auto log = LabelLog::Open(path_).value();
  ASSERT_TRUE(log->Append({FrameOf(2), FrameOf(1), again}).ok());
  const auto frames = ReadLabelLog(Text(), "log").value();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0].frame_index, 1);
  EXPECT_THAT(frames[0].objects, IsEmpty());
}

TEST_F(LabelLogTest, AFullDiskCostsWholeLines) {
  auto log = LabelLog::Open(path_).value();
  ASSERT_TRUE(log->Append({FrameOf(1)}).ok());
  const std::string before = Text();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{before.size() + 50, limit.rlim_max};  // In the middle of the next line.
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status full = log->Append({FrameOf(2)});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(full.error().message, HasSubstr(path_.string() + ": cannot write"));
  EXPECT_EQ(Text(), before);
  ASSERT_TRUE(log->Append({FrameOf(3)}).ok());
  EXPECT_THAT(ReadLabelLog(Text(), "log").value(), SizeIs(2));
}

TEST_F(LabelLogTest, SaysWhatIsWrong) {
  const std::string good = WriteLoggedFrame(FrameOf(1));
  const auto error = [&](std::string from, const std::string& to) {
    std::string line = WriteLoggedFrame(FrameOf(2));
    const std::size_t at = line.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    line.replace(at, from.size(), to);
    const auto frames = ReadLabelLog(good + line, "3.jsonl");
    return frames.ok() ? std::string("none") : frames.error().message;
  };
  EXPECT_EQ(error("\"golden\"", "\"silver\""),
            "3.jsonl:2: source: found \"silver\", expected \"golden\" or \"truth\"");
  EXPECT_THAT(error("\"window\":3", "\"window\":-3"), HasSubstr("3.jsonl:2: window: found -3"));
  EXPECT_THAT(error("0.875", "1.5"), HasSubstr("3.jsonl:2: objects[0].score: found 1.5"));
  EXPECT_THAT(error("[-1.5,2,30,40.25]", "[1, 2, 3]"),
              HasSubstr("3.jsonl:2: objects[0].box: found a list of 3, expected [x, y, width, "
                        "height]"));
  EXPECT_THAT(error("\"frame_index\":2", "\"frame_index\":2.5"),
              HasSubstr("3.jsonl:2: frame_index: found 2.5"));
  EXPECT_THAT(error("frames/3/2.jpg", "../../yard/1.jpg"),
              HasSubstr("3.jsonl:2: image: found \"../../yard/1.jpg\", expected a path below"));
  EXPECT_THAT(error("frames/3/2.jpg", "/etc/passwd"), HasSubstr("3.jsonl:2: image"));
  EXPECT_THAT(error("\"uniform\"", "\"unifrom\""), HasSubstr("3.jsonl:2: unknown key \"unifrom\""));
  EXPECT_THAT(error("}\n", "\n"), HasSubstr("3.jsonl:2:"));
  const auto list = ReadLabelLog("[]\n", "3.jsonl");
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().message, "3.jsonl:1: found an empty list, expected a map");
}

}  // namespace
}  // namespace ekya::datasets
