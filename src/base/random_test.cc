#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace ekya {
namespace {

TEST(RandomTest, DependsOnNothingButTheSeed) {
  Random random(1);
  // What the engine's definition (C++ standard, rand.eng.mers) gives on every machine.
  EXPECT_EQ(random.Bits(), 2469588189546311528ULL);
  Random a(7), b(7), c(8);
  const double first = a.Normal();
  EXPECT_EQ(first, b.Normal());
  EXPECT_NE(first, c.Normal());
}

TEST(RandomTest, HasTheMomentsItClaims) {
  Random random(2);
  constexpr int kCount = 100'000;
  double uniform = 0, normal = 0, square = 0;
  std::vector<int> counts(7);
  for (int i = 0; i < kCount; ++i) {
    const double u = random.Uniform(-1, 3);
    ASSERT_TRUE(u >= -1 && u < 3);
    uniform += u;
    const double n = random.Normal();
    normal += n;
    square += n * n;
    ++counts.at(random.Below(7));
  }
  EXPECT_NEAR(uniform / kCount, 1, 0.02);
  EXPECT_NEAR(normal / kCount, 0, 0.02);
  EXPECT_NEAR(square / kCount, 1, 0.02);
  for (const int count : counts) EXPECT_NEAR(count, kCount / 7.0, 600);
}

TEST(RandomTest, ShufflesKeepEveryItem) {
  std::vector<int> items(100);
  for (int i = 0; i < 100; ++i) items[i] = i;
  std::vector<int> shuffled = items;
  Random(3).Shuffle(shuffled);
  EXPECT_NE(shuffled, items);
  std::ranges::sort(shuffled);
  EXPECT_EQ(shuffled, items);
  std::vector<int> empty;
  Random(3).Shuffle(empty);
}

TEST(DeriveSeedTest, DiffersByPartAndSeed) {
  EXPECT_NE(DeriveSeed(1, "scene"), DeriveSeed(1, "weights"));
  EXPECT_NE(DeriveSeed(1, "scene"), DeriveSeed(2, "scene"));
  EXPECT_NE(DeriveSeed(1, ""), DeriveSeed(2, ""));
}

}  // namespace
}  // namespace ekya
