#include "decide/profile/expectation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ekya::profile {
namespace {

TEST(ExpectationTest, KnowsNothingBeforeAnythingWasTried) {
  Expectation expectation;
  EXPECT_FALSE(expectation.For("a", "e15", 0.6));
  EXPECT_FALSE(expectation.TrialSeconds("a"));
  expectation.Retrained("a", 0.6, {"e15", 0.9, 10, 0});
  EXPECT_TRUE(expectation.For("a", "e15", 0.6));
  EXPECT_FALSE(expectation.For("a", "e30", 0.6)) << "nobody knows what it takes";
}

TEST(ExpectationTest, AStreamComesBackToItsOwnLevelWhateverItDriftedTo) {
  Expectation expectation;
  for (int i = 0; i < 4; ++i) expectation.Retrained("a", 0.6, {"e15", 0.9, 10, 0});
  const auto mild = expectation.For("a", "e15", 0.85);
  const auto bad = expectation.For("a", "e15", 0.4);
  ASSERT_TRUE(mild && bad);
  EXPECT_NEAR(mild->accuracy, 0.9, 0.03);
  EXPECT_NEAR(bad->accuracy, 0.9, 0.08);
  EXPECT_NEAR(mild->device_seconds, 10, 1e-9);
}

TEST(ExpectationTest, ANewStreamGainsWhatOthersGain) {
  Expectation expectation;
  for (int i = 0; i < 8; ++i) {
    expectation.Retrained("a", 0.6, {"small", 0.7, 5, 0});
    expectation.Retrained("b", 0.5, {"large", 0.8, 40, 0});
  }
  const auto small = expectation.For("new", "small", 0.5);
  const auto large = expectation.For("new", "large", 0.5);
  ASSERT_TRUE(small && large);
  EXPECT_NEAR(small->accuracy, 0.6, 0.03);
  EXPECT_NEAR(large->accuracy, 0.8, 0.04);
  EXPECT_NEAR(large->device_seconds, 40, 1e-9);
}

TEST(ExpectationTest, ASlowStreamIsExpectedToBeSlowElsewhereToo) {
  Expectation expectation;
  for (int i = 0; i < 6; ++i) {
    expectation.Retrained("quick", 0.5, {"small", 0.6, 5, 0});
    expectation.Retrained("quick", 0.5, {"large", 0.7, 40, 0});
  }
  for (int i = 0; i < 3; ++i) expectation.Retrained("slow", 0.5, {"small", 0.6, 20, 0});
  const auto quick = expectation.For("quick", "large", 0.5);
  const auto slow = expectation.For("slow", "large", 0.5);
  ASSERT_TRUE(quick && slow);
  EXPECT_GT(slow->device_seconds, 1.5 * quick->device_seconds);
}

TEST(ExpectationTest, ATrialCountsForLessThanARetraining) {
  Expectation tried;
  Expectation retrained;
  tried.Tried("a", 0.5, {"e15", 0.9, 10, 0});
  retrained.Retrained("a", 0.5, {"e15", 0.9, 10, 0});
  const auto promise = tried.For("a", "e15", 0.5);
  const auto outcome = retrained.For("a", "e15", 0.5);
  ASSERT_TRUE(promise && outcome);
  EXPECT_GT(promise->accuracy, 0.5);
  EXPECT_GT(outcome->accuracy, promise->accuracy);
}

TEST(ExpectationTest, WhatWasOffMoreCountsLess) {
  // Trials promise 0.95 where 0.7 comes, every time.
  Expectation expectation;
  const RetrainingProfile promise{"e15", 0.95, 10, 0};
  const double first = expectation.Combined("a", 0.5, promise).accuracy;  // Nothing else is known.
  EXPECT_EQ(first, 0.95);
  for (int i = 0; i < 8; ++i) {
    expectation.Tried("a", 0.5, promise);
    expectation.Retrained("a", 0.5, {"e15", 0.7, 10, 0});
  }
  EXPECT_GT(expectation.TrialError(), 1.5 * expectation.ExpectationError());
  EXPECT_LT(expectation.Combined("a", 0.5, promise).accuracy, 0.78);
}

TEST(ExpectationTest, NumbersThatAreNoneAreForgotten) {
  Expectation expectation;
  expectation.Retrained("a", 0.5, {"e15", 0.8, 10, 0});
  expectation.Retrained("a", 0.5,
                        {"e15", std::nan(""), std::numeric_limits<double>::infinity(), 0});
  expectation.TrialTook("a", std::nan(""));
  const auto expected = expectation.For("a", "e15", 0.5);
  ASSERT_TRUE(expected);
  EXPECT_TRUE(std::isfinite(expected->accuracy) && std::isfinite(expected->device_seconds));
  EXPECT_TRUE(std::isfinite(expected->spread));
  EXPECT_FALSE(expectation.TrialSeconds("a"));
}

TEST(ExpectationTest, TrialsCostWhatTheyCostTheStreamElseTheOthers) {
  Expectation expectation;
  for (int i = 0; i < 5; ++i) {
    expectation.TrialTook("a", 1);
    expectation.TrialTook("b", 9);
  }
  EXPECT_NEAR(*expectation.TrialSeconds("new"), 5, 1e-9);
  EXPECT_LT(*expectation.TrialSeconds("a"), 2);
  EXPECT_GT(*expectation.TrialSeconds("b"), 8);
}

}  // namespace
}  // namespace ekya::profile
