#include "run/workers/window_grid.h"

#include <gtest/gtest.h>

namespace ekya::workers {
namespace {

TEST(WindowGrid, CountsFromTheFirstLiveWindow) {
  const WindowGrid grid(30, 2);
  EXPECT_EQ(grid.WindowAt(0), 2);
  EXPECT_EQ(grid.WindowAt(29.99), 2);
  EXPECT_EQ(grid.WindowAt(30), 3);
  EXPECT_EQ(grid.WindowAt(-1), 1);  // read ahead
  EXPECT_EQ(grid.WindowAt(-31), 0);
  EXPECT_EQ(grid.StartOf(2), 0);
  EXPECT_EQ(grid.StartOf(5), 90);
}

TEST(WindowGrid, AWindowThatBeginsEarlyMovesThoseAfterIt) {
  WindowGrid grid(30, 1);
  grid.Begin(3, 40);  // window 2 was cut short after 10 s
  EXPECT_EQ(grid.WindowAt(29), 1);
  EXPECT_EQ(grid.WindowAt(39.9), 2);
  EXPECT_EQ(grid.WindowAt(40), 3);
  EXPECT_EQ(grid.WindowAt(69.9), 3);
  EXPECT_EQ(grid.WindowAt(70), 4);
  EXPECT_EQ(grid.StartOf(4), 70);
  grid.Begin(4, 55);
  EXPECT_EQ(grid.WindowAt(54), 3);
  EXPECT_EQ(grid.WindowAt(55), 4);
}

TEST(WindowGrid, AWindowThatBeginsLateWaitsForNobody) {
  WindowGrid grid(30, 1);
  grid.Begin(2, 100);  // after a pause
  EXPECT_EQ(grid.WindowAt(29), 1);
  EXPECT_EQ(grid.WindowAt(99), 1);
  EXPECT_EQ(grid.WindowAt(100), 2);
}

TEST(WindowGrid, AYearOfEarlyEndsCostsNothing) {
  WindowGrid grid(30, 0);
  for (int window = 1; window < 100'000; ++window) grid.Begin(window, 20.0 * window);
  EXPECT_EQ(grid.WindowAt(20.0 * 99'998 + 1), 99'998);
  EXPECT_EQ(grid.StartOf(100'000), 20.0 * 99'999 + 30);
}

}  // namespace
}  // namespace ekya::workers
