#include "apps/learning/growth.h"

#include <gtest/gtest.h>

#include "apps/learning/swapped_stream.h"

namespace ekya::learning {
namespace {

TEST(GrowthTest, ComparesTheLastTenthWithTheFirstAfterWarmUp) {
  std::vector<SoakSample> samples(100);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    // Ten samples of warm-up with little, then a MiB each ten samples.
    samples[i].rss_mib = i < 10 ? 5 : 100.0 + static_cast<double>(i / 10);
    samples[i].descriptors = i < 90 ? 20 : 23;
    samples[i].threads = 7;
    samples[i].latencies = {i < 90 ? 0.020 : 0.030};
  }
  const Growth growth = GrowthOf(samples);
  EXPECT_NEAR(growth.rss_mib, 8, 1e-9);
  EXPECT_EQ(growth.descriptors, 3);
  EXPECT_EQ(growth.threads, 0);
  EXPECT_NEAR(growth.latency_p99_ratio, 1.5, 1e-9);
}

TEST(GrowthTest, OneOddSampleIsNoDescriptorLeak) {
  std::vector<SoakSample> samples(100);
  for (SoakSample& sample : samples) sample.descriptors = 20;
  samples.back().descriptors = 50;
  EXPECT_EQ(GrowthOf(samples).descriptors, 0);
}

TEST(GrowthTest, TooFewSamplesSayNothing) {
  EXPECT_EQ(GrowthOf({}).rss_mib, 0);
  EXPECT_EQ(GrowthOf(std::vector<SoakSample>(9)).latency_p99_ratio, 0);
  EXPECT_EQ(GrowthOf(std::vector<SoakSample>(20)).latency_p99_ratio, 0);
}

TEST(SwapStretchTest, TheLongestPauseIsBetweenTwoResults) {
  EXPECT_EQ(LongestPause({}), 0);
  EXPECT_EQ(LongestPause({1}), 0);
  EXPECT_NEAR(LongestPause({1, 1.5, 3, 3.25}), 1.5, 1e-12);
}

}  // namespace
}  // namespace ekya::learning
