#include "core/significance.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ekya {
namespace {

TEST(SignTest, IsExact) {
  EXPECT_DOUBLE_EQ(SignTest(0, 0), 0.5);
  EXPECT_NEAR(SignTest(1, 0), 0.25, 1e-12);
  EXPECT_NEAR(SignTest(0, 1), 0.75, 1e-12);
  EXPECT_NEAR(SignTest(5, 0), 1 / 64.0, 1e-12);
  // 8 of 10: (C(10,8) / 2 + 10 + 1) / 1024.
  EXPECT_NEAR(SignTest(8, 2), (22.5 + 11) / 1024, 1e-12);
  for (int wins = 0; wins <= 40; ++wins) {
    EXPECT_NEAR(SignTest(wins, 40 - wins) + SignTest(40 - wins, wins), 1, 1e-9);
  }
  EXPECT_LT(SignTest(5300, 4700), 1e-8);
  EXPECT_GT(SignTest(5300, 4700), 0);
}

TEST(SignFlipTest, IsTheSignTestWhereDifferencesHaveOneSize) {
  EXPECT_NEAR(SignFlipTest({1, 1, 0, -1, 1, 0}, 1), SignTest(3, 1), 1e-12);
  EXPECT_NEAR(SignFlipTest({}, 1), 0.5, 1e-12);
  EXPECT_NEAR(SignFlipTest({0.25, -0.25}, 1), SignTest(1, 1), 1e-12);
}

TEST(SignFlipTest, WeighsDifferencesBySize) {
  // Of 8 ways, two (all as they are, 0.1 flipped) are as high or higher: the first counts half.
  EXPECT_NEAR(SignFlipTest({0.9, 0.4, -0.1}, 1), 1.5 / 8, 1e-12);
  EXPECT_GT(SignFlipTest({0.1, 0.1, 0.1, -0.9}, 1), 0.5);
}

TEST(SignFlipTest, ByRandomFlipsAgreesWithAllOfThem) {
  Random random(3);
  for (int round = 0; round < 5; ++round) {
    std::vector<double> few;
    for (int i = 0; i < 12; ++i) few.push_back(random.Uniform(-0.6, 1));
    const double exact = SignFlipTest(few, 1);
    std::vector<double> more = few;
    more.insert(more.end(), 4, 1e-7);  // Sixteen, of which four hardly matter.
    EXPECT_NEAR(SignFlipTest(more, 7), exact, 0.03);
  }
}

TEST(SignFlipTest, IsUniformWhereNothingDiffers) {
  Random random(11);
  int below_fifth = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> differences;
    for (int i = 0; i < 20; ++i) differences.push_back(0.3 * random.Normal());
    below_fifth += SignFlipTest(differences, 5) < 0.2 ? 1 : 0;
  }
  EXPECT_NEAR(below_fifth / static_cast<double>(kRounds), 0.2, 0.06);
}

TEST(FewerTest, IsFishersExactTest) {
  // 10 of 10 before, 7 of 10 now: hypergeometric, C(10,7) C(10,10) / C(20,17) = 120/1140; fewer
  // than 7 is impossible.
  EXPECT_NEAR(FewerTest(10, 10, 7, 10), 120 / 1140.0 / 2, 1e-9);
  EXPECT_DOUBLE_EQ(FewerTest(0, 0, 3, 10), 0.5);
  EXPECT_GT(FewerTest(60, 100, 80, 100), 0.99);
  EXPECT_LT(FewerTest(800, 1000, 700, 1000), 1e-5);
  EXPECT_NEAR(FewerTest(80, 100, 80, 100), 0.5, 1e-9);
}

}  // namespace
}  // namespace ekya
