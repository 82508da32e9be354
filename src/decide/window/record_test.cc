#include "decide/window/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ekya::window {
namespace {

using ::testing::ElementsAre;

/// Of `streams` streams that were all decided on `decisions` times; two of them retrained.
WindowRecord Window(int number, std::size_t streams, std::size_t decisions) {
  WindowRecord window;
  window.window = number;
  window.start_seconds = 200.0 * number;
  window.end_seconds = 200.0 * (number + 1);
  window.decisions.resize(decisions);
  for (Decision& decision : window.decisions) decision.situation.streams.resize(streams);
  window.retrainings.resize(2);
  window.retrainings[0].stream = "a";
  window.retrainings[1].stream = "b";
  window.warnings = {"the disk is full"};
  return window;
}

TEST(RunRecord, ManyWindowsAreBoundedAndSummedUp) {
  constexpr int kWindows = 4'000;
  RunRecord run;
  std::size_t most = 0;
  for (int i = 0; i < kWindows; ++i) {
    Keep(Window(i, 3, 8), {{200.0 * i + 100, "a", i}}, &run);
    Warn("a: no labels", &run);
    most = std::max({most, run.windows.size(), run.swaps.size(), run.warnings.size()});
  }
  EXPECT_EQ(most, RecordLimits().windows);
  EXPECT_EQ(run.windows.front().window, kWindows - 1'000);
  EXPECT_EQ(run.windows.back().window, kWindows - 1);
  EXPECT_EQ(run.earlier.windows, kWindows - 1'000);
  EXPECT_EQ(run.earlier.until_seconds, run.windows.front().start_seconds);
  EXPECT_EQ(run.earlier.retrainings.at("a"), kWindows - 1'000);
  EXPECT_EQ(run.earlier.retrainings.at("b"), kWindows - 1'000);
  EXPECT_EQ(run.earlier.swaps.at("a"), kWindows - 1'000);
  EXPECT_EQ(run.swaps.front().version, kWindows - 1'000);
  EXPECT_EQ(run.earlier.warnings, 2 * (kWindows - 1'000));
}

TEST(RunRecord, ManyCamerasFillItSooner) {
  RunRecord run;
  const RecordLimits limits{.windows = 10, .stream_decisions = 100};
  for (int i = 0; i < 5; ++i) Keep(Window(i, 20, 2), {}, &run, limits);
  EXPECT_EQ(run.windows.size(), 2U);
  EXPECT_EQ(run.earlier.windows, 3);
  Keep(Window(5, 20, 50), {}, &run, limits);
  ASSERT_EQ(run.windows.size(), 1U) << "the newest stays, however much it holds";
  EXPECT_EQ(run.windows.front().window, 5);
}

TEST(RunRecord, AShortRunIsKeptWhole) {
  RunRecord run;
  for (int i = 0; i < 300; ++i) Keep(Window(i, 3, 8), {{200.0 * i, "b", i}}, &run);
  EXPECT_EQ(run.windows.size(), 300U);
  EXPECT_EQ(run.swaps.size(), 300U);
  EXPECT_EQ(run.earlier.windows, 0);
  Warn("once", &run);
  EXPECT_THAT(run.warnings, ElementsAre("once"));
}

}  // namespace
}  // namespace ekya::window
