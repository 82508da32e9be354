#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <vector>

namespace ekya {
namespace {

TEST(LogTest, WritesOneLine) {
  testing::internal::CaptureStderr();
  Log(LogLevel::kWarning, "lobby", "{} frames of {}", 3, "yard");
  Log(LogLevel::kInfo, "", "started");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "warning [lobby] 3 frames of yard\ninfo started\n");
}

TEST(LogTest, DropsWhatIsBelowTheLevel) {
  testing::internal::CaptureStderr();
  Log(LogLevel::kDebug, "", "not shown");
  SetLogLevel(LogLevel::kError);
  Log(LogLevel::kWarning, "", "not shown");
  Log(LogLevel::kError, "", "shown");
  SetLogLevel(LogLevel::kInfo);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "error shown\n");
}

TEST(LogTest, LinesOfThreadsDoNotMix) {
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 100; ++k) Log(LogLevel::kInfo, "thread", "{}", std::string(200, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(testing::internal::GetCapturedStderr());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(line, "info [thread] " + std::string(200, 'x'));
  }
  EXPECT_EQ(count, 400);
}

}  // namespace
}  // namespace ekya
