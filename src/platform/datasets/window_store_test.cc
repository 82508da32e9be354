#include "platform/datasets/window_store.h"

#include <gtest/gtest.h>

#include <thread>

namespace ekya::datasets {
namespace {

FramePtr MakeFrame(std::int64_t index) {
  auto frame = std::make_shared<Frame>();
  frame->index = index;
  return frame;
}

std::vector<std::int64_t> Indices(const std::vector<FramePtr>& frames) {
  std::vector<std::int64_t> indices;
  for (const auto& frame : frames) indices.push_back(frame->index);
  return indices;
}

TEST(WindowStore, KeepsAllFramesOfAShortWindow) {
  WindowStore store(4, 2);
  for (int i = 0; i < 4; ++i) store.Offer(0, MakeFrame(i));
  EXPECT_EQ(Indices(store.Frames(0)), (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_TRUE(store.Frames(1).empty());
  store.Forget(1);
  store.Forget(0);
  EXPECT_TRUE(store.Frames(0).empty());
}

TEST(WindowStore, KeepsFramesEvenlySpreadOverAnyWindow) {
  for (const int bound : {1, 2, 3, 7, 10}) {
    for (int offered = 1; offered < 200; ++offered) {
      WindowStore store(bound, 1);
      for (int i = 0; i < offered; ++i) store.Offer(3, MakeFrame(i));
      const auto indices = Indices(store.Frames(3));
      ASSERT_LE(static_cast<int>(indices.size()), bound);
      // At least about half of the room is used, and the steps are all the same.
      ASSERT_GE(static_cast<int>(2 * indices.size()), std::min(bound, offered)) << offered;
      ASSERT_EQ(indices[0], 0);
      for (std::size_t i = 2; i < indices.size(); ++i) {
        ASSERT_EQ(indices[i] - indices[i - 1], indices[1]) << bound << " " << offered;
      }
      if (indices.size() > 1) {
        ASSERT_GT(indices.back() + indices[1], offered - 1);
      }
    }
  }
}

TEST(WindowStore, ForgetsTheOldestWindow) {
  WindowStore store(5, 2);
  for (int window = 0; window < 4; ++window) store.Offer(window, MakeFrame(window));
  EXPECT_TRUE(store.Frames(0).empty());
  EXPECT_TRUE(store.Frames(1).empty());
  EXPECT_EQ(store.Frames(2).size(), 1U);
  EXPECT_EQ(store.Frames(3).size(), 1U);
  // A straggler does not push out what is newer.
  store.Offer(1, MakeFrame(9));
  EXPECT_TRUE(store.Frames(1).empty());
  EXPECT_EQ(store.Frames(2).size(), 1U);
}

TEST(WindowStore, TakesFramesAndGivesThemAtOnce) {
  WindowStore store(16, 2);
  std::thread camera([&] {
    for (int i = 0; i < 20'000; ++i) store.Offer(i / 1000, MakeFrame(i));
  });
  std::size_t most = 0;
  for (int i = 0; i < 2000; ++i) most = std::max(most, store.Frames(i / 100).size());
  camera.join();
  EXPECT_LE(most, 16U);
  EXPECT_EQ(store.Frames(19).size(), 16U);
}

}  // namespace
}  // namespace ekya::datasets
