#include "run/processes/remote_learning.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/clock.h"

namespace ekya::processes {
namespace {

/// A worker that takes its time to listen.
TEST(RemoteLearning, DISABLED_Sleeps) { std::this_thread::sleep_for(std::chrono::seconds(20)); }

TEST(RemoteLearning, WorkIsCancelledBeforeItsWorkerHasStarted) {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("ekya-remote-learning-{}", getpid());
  std::filesystem::create_directories(folder);
  {
    Spawner spawner;
    std::atomic<int> events{0};
    RemoteLearning learning("slow",
                            {spawner,
                             {"worker", "--gtest_filter=RemoteLearning.DISABLED_Sleeps",
                              "--gtest_also_run_disabled_tests", "--gtest_brief=1"},
                             folder},
                            [&](const std::string&, const std::string&) { ++events; });
    Status ended;
    const double start = MonotonicClock().Now();
    std::thread work([&] { ended = learning.Train({}).error(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    learning.Cancel();
    work.join();
    EXPECT_LT(MonotonicClock().Now() - start, 5);
    EXPECT_EQ(ended.error().code, ErrorCode::kCancelled) << ended.error().message;
    EXPECT_EQ(events, 0) << "the worker that starts is left alone";

    learning.Release();
    EXPECT_EQ(learning.Train({}).error().code, ErrorCode::kCancelled);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::processes
