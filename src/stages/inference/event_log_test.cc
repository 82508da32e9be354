#include "stages/inference/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace ekya::inference {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("ekya-events-" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    path_ = folder_ / "below" / "lobby.jsonl";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<EventLog> Open() {
    auto log = EventLog::Open(path_, "lobby", {"person", "ca\"r"}, 1000);
    EXPECT_TRUE(log.ok());
    return std::move(*log);
  }
  std::vector<std::string> Lines() const {
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

FrameResult At(double seconds, std::vector<Detection> detections) {
  auto frame = std::make_shared<Frame>();
  frame->index = std::llround(seconds * 10);
  frame->time_seconds = seconds;
  FrameResult result;
  result.frame = frame;
  result.detections = std::move(detections);
  result.model_version = 4;
  return result;
}

Detection Thing(double x, int class_index = 0, double score = 0.5) {
  return {{x, 20, 30, 60}, class_index, score};
}

TEST_F(EventLogTest, FollowsAnObjectFromNewToEnd) {
  auto log = Open();
  for (int i = 0; i < 20; ++i) log->Add(At(0.1 * i, {Thing(10 + 4 * i, 0, 0.5 + 0.01 * i)}), 2);
  for (int i = 20; i < 40; ++i) log->Add(At(0.1 * i, {}), 3);
  log->Close();

  const auto lines = Lines();
  ASSERT_GE(lines.size(), 4u);
  // As Frigate's clients read it, and with what this project adds.
  EXPECT_EQ(lines[0],
            R"({"type":"new","before":{"id":"1000.000000-1","camera":"lobby","label":"person",)"
            R"("score":0.51,"top_score":0.51,"box":[14,20,44,80],"area":1800,)"
            R"("frame_time":1000.1,"start_time":1000,"end_time":null,"model_version":4,)"
            R"("window":2},"after":{"id":"1000.000000-1","camera":"lobby","label":"person",)"
            R"("score":0.51,"top_score":0.51,"box":[14,20,44,80],"area":1800,)"
            R"("frame_time":1000.1,"start_time":1000,"end_time":null,"model_version":4,)"
            R"("window":2}})");
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    EXPECT_THAT(lines[i], StartsWith(R"({"type":"update","before":{"id":"1000.000000-1")"));
  }
  EXPECT_THAT(lines.back(), StartsWith(R"({"type":"end")"));
  EXPECT_THAT(lines.back(), HasSubstr(R"("end_time":1001.9)"));  // when it was seen last
  EXPECT_THAT(lines.back(), HasSubstr(R"("top_score":0.69)"));
  EXPECT_EQ(log->lines_lost(), 0);
}

TEST_F(EventLogTest, AnUpdateTellsWhatChanged) {
  auto log = Open();
  for (int i = 0; i < 5; ++i) log->Add(At(0.1 * i, {Thing(10, 0)}), 0);
  for (int i = 5; i < 10; ++i) log->Add(At(0.1 * i, {Thing(10, 1)}), 0);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 2u);  // standing still is no news
  EXPECT_THAT(lines[1], StartsWith(R"({"type":"update")"));
  const auto after = lines[1].find("\"after\"");
  EXPECT_THAT(lines[1].substr(0, after), HasSubstr(R"("label":"person")"));
  EXPECT_THAT(lines[1].substr(after), HasSubstr(R"("label":"ca\"r")"));
}

TEST_F(EventLogTest, AFlickerIsNoEventAndAGapNoEnd) {
  auto log = Open();
  log->Add(At(0, {Thing(10)}), 0);
  for (int i = 1; i < 30; ++i) log->Add(At(0.1 * i, {}), 0);
  EXPECT_TRUE(Lines().empty());

  for (const double seconds : {5.0, 5.1, 5.7, 5.8}) {
    log->Add(At(seconds, {Thing(100)}), 0);
    log->Add(At(seconds + 0.02, {}), 0);
    log->Add(At(seconds + 0.04, {}), 0);
  }
  EXPECT_EQ(Lines().size(), 1u);
  EXPECT_THAT(Lines()[0], StartsWith(R"({"type":"new")"));
}

TEST_F(EventLogTest, SlowSamplingStillFollowsWhatMoves) {
  auto log = Open();
  // A third of its width per frame, then as fast as it is wide: only its motion tells where it is.
  double x = 0;
  for (int i = 0; i < 12; ++i) {
    x += std::min(30.0, 10.0 + 4 * i);
    log->Add(At(0.5 * i, {Thing(x)}), 0);
  }
  log->Close();
  int begun = 0;
  for (const std::string& line : Lines()) begun += line.starts_with(R"({"type":"new")");
  EXPECT_EQ(begun, 1);
}

TEST_F(EventLogTest, TwoObjectsKeepTheirIdentities) {
  auto log = Open();
  for (int i = 0; i < 20; ++i) {
    log->Add(At(0.1 * i, {Thing(10.0 + i, 0), Thing(60.0 - i, 1)}), 0);  // they come to touch
  }
  log->Close();
  int begun = 0;
  for (const std::string& line : Lines()) {
    const auto after = line.find("\"after\"");
    EXPECT_EQ(line.find("\"label\":\"person\"") < after,
              line.find("\"label\":\"person\"", after) != std::string::npos)
        << line;
    begun += line.starts_with(R"({"type":"new")");
  }
  EXPECT_EQ(begun, 2);
}

TEST_F(EventLogTest, SkippedFramesAndHostileResultsChangeNothing) {
  auto log = Open();
  FrameResult skipped = At(0, {Thing(10)});
  skipped.skipped = true;
  log->Add(skipped, 0);
  log->Add(skipped, 0);
  const double nan = std::nan("");
  for (int i = 0; i < 3; ++i) {
    log->Add(At(1 + 0.1 * i, {{{nan, 0, 1, 1}, 0, 0.5},
                              {{0, 0, HUGE_VAL, 1}, 0, 0.5},
                              {{0, 0, 1, 1}, 0, nan},
                              {{0, 0, 0, 1}, 0, 0.5}}),
             0);
  }
  EXPECT_TRUE(Lines().empty());
  for (int i = 0; i < 2; ++i) log->Add(At(2 + 0.1 * i, {{{-1e300, 0, 1e301, 1}, 9, 0.5}}), 0);
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_THAT(Lines()[0], HasSubstr(R"("label":"class 9")"));
  EXPECT_THAT(Lines()[0], HasSubstr(R"("box":[-1000000000,0,1000000000,1])"));
}

TEST_F(EventLogTest, AppendsAndEndsAHalfLineOfACutOffRun) {
  std::filesystem::create_directories(path_.parent_path());
  std::ofstream(path_) << "{\"type\":\"up";
  auto log = Open();
  log->Add(At(0, {Thing(1)}), 0);
  log->Add(At(0.1, {Thing(1)}), 0);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "{\"type\":\"up");
  EXPECT_THAT(lines[1], StartsWith(R"({"type":"new")"));
}

TEST_F(EventLogTest, ALargeFileIsClosedAndANewOneBegun) {
  const auto begin = [&] {
    return EventLog::Open(path_, "lobby", {"car", "bus"}, 0, 4000).value();
  };
  std::size_t lines = 0;
  for (int run = 0; run < 2; ++run) {
    auto log = begin();
    for (int i = 0; i < 30; ++i) log->Add(At(0.1 * i, {Thing(1, i / 2 % 2)}), 0);
    EXPECT_EQ(log->lines_lost(), 0);
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path_.parent_path())) {
    if (!entry.path().filename().string().starts_with(path_.stem().string())) continue;
    files.push_back(entry.path());
    std::ifstream text(entry.path());
    std::string line;
    while (std::getline(text, line)) {
      EXPECT_THAT(line, StartsWith(R"({"type":")"));
      EXPECT_TRUE(line.ends_with("}}")) << line;
      ++lines;
    }
    if (entry.path() == path_) continue;
    EXPECT_GE(std::filesystem::file_size(entry.path()), 4000U);
  }
  EXPECT_GE(files.size(), 3U);
  EXPECT_TRUE(std::filesystem::exists(path_.parent_path() / (path_.stem().string() + "~1.jsonl")));
  auto whole = EventLog::Open(folder_ / "whole.jsonl", "lobby", {"car", "bus"}, 0).value();
  for (int i = 0; i < 30; ++i) whole->Add(At(0.1 * i, {Thing(1, i / 2 % 2)}), 0);
  whole->Close();
  std::ifstream text(folder_ / "whole.jsonl");
  const auto expected = std::count(std::istreambuf_iterator<char>(text), {}, '\n');
  EXPECT_EQ(lines, 2U * static_cast<std::size_t>(expected)) << "nothing is lost in between";
}

TEST_F(EventLogTest, AFolderInTheWayIsAnErrorThatNamesIt) {
  std::filesystem::create_directories(path_);
  const auto log = EventLog::Open(path_, "lobby", {}, 0);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(log.error().message, HasSubstr(path_.string()));
}

TEST_F(EventLogTest, AFullDiskCostsWholeLinesAndIsSaidOnce) {
  std::filesystem::create_directories(folder_);
  if (::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=8k") != 0) {
    GTEST_SKIP() << "no small disk can be mounted here (needs root)";
  }
  path_ = folder_ / "lobby.jsonl";
  testing::internal::CaptureStderr();
  std::int64_t lost = 0;
  std::size_t kept = 0;
  {
    auto log = Open();
    for (int i = 0; i < 400; ++i) log->Add(At(0.1 * i, {Thing(1, i / 2 % 2)}), 0);
    lost = log->lines_lost();
    kept = Lines().size();
    EXPECT_GT(lost, 50);
    EXPECT_GT(kept, 5u);
    // Once there is room again, lines are written again, each on a line of its own.
    std::filesystem::resize_file(path_, 0);
    for (int i = 400; i < 408; ++i) log->Add(At(0.1 * i, {Thing(1, i / 2 % 2)}), 0);
    EXPECT_EQ(log->lines_lost(), lost);
    log->Close();
  }
  const std::string said = testing::internal::GetCapturedStderr();
  const auto lines = Lines();
  ::umount(folder_.c_str());
  EXPECT_GE(lines.size(), 3u);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, StartsWith("{\"type\":"));
    EXPECT_TRUE(line.ends_with("}}")) << line;
  }
  EXPECT_THAT(said, HasSubstr("lobby.jsonl: an event could not be written (No space left"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

}  // namespace
}  // namespace ekya::inference
