#include "platform/resources/internal/token_bucket.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ekya::resources {
namespace {

TEST(TokenBucketTest, WaitsUntilWhatWasUsedIsEarned) {
  TokenBucket bucket;
  bucket.SetRate(10, 0.25);
  bucket.Charge(10, 0.5);  // Used before: nothing was earned meanwhile.
  EXPECT_DOUBLE_EQ(bucket.WaitSeconds(10), 2);
  EXPECT_DOUBLE_EQ(bucket.WaitSeconds(11), 1);
  EXPECT_DOUBLE_EQ(bucket.WaitSeconds(13), 0);
}

TEST(TokenBucketTest, UsesItsShareInTheLongRun) {
  for (const double share : {0.1, 0.3, 0.9}) {
    for (const double minibatch : {0.0005, 0.007, 0.09, 0.7}) {
      TokenBucket bucket;
      double now = 100;
      bucket.SetRate(now, share);
      double used = 0;
      while (now < 1100) {
        now += minibatch;  // At full speed.
        used += minibatch;
        bucket.Charge(now, minibatch);
        now += bucket.WaitSeconds(now);
      }
      EXPECT_NEAR(used / (now - 100), share, 0.001) << share << ", " << minibatch;
    }
  }
}

TEST(TokenBucketTest, TwoThreadsPayForWhatTheyUsedTogether) {
  TokenBucket bucket;
  bucket.SetRate(0, 0.5);
  bucket.Charge(0.1, 0.1);
  bucket.Charge(0.1, 0.1);  // At the same time, on another core.
  EXPECT_NEAR(bucket.WaitSeconds(0.1), 0.15 / 0.5, 1e-9);
}

TEST(TokenBucketTest, SavesNoMoreThanAPeriod) {
  TokenBucket bucket;
  bucket.SetRate(0, 0.5);
  bucket.Charge(1000, 0.1);  // After a long idle time; 0.01 was kept.
  // The last 0.1 s it computed, and earned 0.05 by that.
  EXPECT_NEAR(bucket.WaitSeconds(1000), (0.05 - 0.5 * TokenBucket::kPeriodSeconds) / 0.5, 1e-9);
}

TEST(TokenBucketTest, ANewRateCountsFromItsTimeOn) {
  TokenBucket bucket;
  bucket.SetRate(0, 0.1);
  bucket.Charge(0, 1);
  EXPECT_DOUBLE_EQ(bucket.WaitSeconds(0), 10);
  bucket.SetRate(5, 1.0);  // 0.5 paid, 0.5 owed.
  EXPECT_DOUBLE_EQ(bucket.WaitSeconds(5), 0.5);
}

TEST(TokenBucketTest, WithoutAShareTheWaitHasNoEnd) {
  TokenBucket bucket;
  EXPECT_TRUE(std::isinf(bucket.WaitSeconds(1)));
  bucket.SetRate(1, 0.5);
  EXPECT_EQ(bucket.WaitSeconds(1), 0);
  bucket.SetRate(2, 0);
  EXPECT_TRUE(std::isinf(bucket.WaitSeconds(3)));
}

}  // namespace
}  // namespace ekya::resources
