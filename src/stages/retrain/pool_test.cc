#include "stages/retrain/internal/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "platform/models/classifier.h"

namespace ekya::retrain::internal {
namespace {

Sample NoiseSample(int side) {
  Random random(1);
  Sample sample;
  sample.image = {side, side, {}};
  sample.image.pixels.resize(static_cast<std::size_t>(3 * side * side));
  for (auto& value : sample.image.pixels) value = static_cast<std::uint8_t>(random.Below(256));
  return sample;
}

TEST(Pool, DrawsThePictureItselfWhereNothingVaries) {
  Pool pool(8);
  pool.Add(NoiseSample(5));
  const auto sample = NoiseSample(8);
  pool.Add(sample);
  std::vector<float> drawn(3 * 64);
  Random random(1);
  pool.Draw(1, {false, 0, 0, 0}, &random, drawn.data());
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const float expected =
          models::NormalisedLevels(static_cast<int>(c))[sample.image.pixels[3 * i + c]];
      EXPECT_NEAR(drawn[c * 64 + i], expected, 1e-4);
    }
  }
}

TEST(Pool, VariesWithinItsBounds) {
  Pool pool(16);
  Sample sample;
  sample.image = {16, 16, {}};
  for (int i = 0; i < 256; ++i) {
    sample.image.pixels.insert(sample.image.pixels.end(), 3, i % 16 < 8 ? 0 : 255);
  }
  pool.Add(sample);
  Random random(3);
  std::vector<float> drawn(3 * 256);
  int mirrored = 0;
  double brightest = 0;
  for (int i = 0; i < 400; ++i) {
    pool.Draw(0, {}, &random, drawn.data());
    for (const float value : drawn) ASSERT_TRUE(std::isfinite(value));
    if (drawn[0] > drawn[15]) ++mirrored;
    // One sixteenth of the side: at most one column over from the edge at 8.
    const int wide = static_cast<int>(
        std::count_if(drawn.begin(), drawn.begin() + 16, [&](float v) { return v == drawn[0]; }));
    EXPECT_GE(wide, 7);
    EXPECT_LE(wide, 9);
    brightest = std::max(brightest, static_cast<double>(std::max(drawn[0], drawn[15])));
  }
  EXPECT_NEAR(mirrored, 200, 40);
  // White stands at 2.249 in red; brightness and contrast lift it by at most 0.275 / 0.229.
  EXPECT_GT(brightest, 2.6);
  EXPECT_LT(brightest, 2.249 + 0.276 / 0.229);
}

TEST(BalancedWeights, LiftsRareClassesWithinBounds) {
  EXPECT_EQ(BalancedWeights({10, 10}), (std::vector<float>{1, 1}));
  const auto uneven = BalancedWeights({30, 10, 0});
  EXPECT_FLOAT_EQ(uneven[0] * 30, uneven[1] * 10);
  EXPECT_FLOAT_EQ(uneven[2], 1);
  EXPECT_FLOAT_EQ(BalancedWeights({100'000, 1})[1], 5);
  EXPECT_EQ(BalancedWeights({0, 7}), (std::vector<float>{1, 1}));
}

TEST(ReplayQuotas, MakesUpForWhatTheNewSamplesLack) {
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(ReplayQuotas({50, 0, 10}, {100, 100, 100}, 60), (Counts{0, 35, 25}));
  EXPECT_EQ(ReplayQuotas({0, 0}, {100, 100}, 60), (Counts{30, 30}));
  // Of a few exemplars each is shown twice at most; of none, none.
  EXPECT_EQ(ReplayQuotas({50, 0, 0}, {100, 5, 0}, 60), (Counts{50, 10, 0}));
  EXPECT_EQ(ReplayQuotas({5, 0}, {0, 2}, 60), (Counts{0, 4}));
}

TEST(OneCycle, RisesThenFallsToAHundredth) {
  double highest = 0;
  for (std::int64_t step = 0; step < 100; ++step)
    highest = std::max(highest, OneCycle(2, step, 100));
  EXPECT_NEAR(highest, 2, 0.01);
  EXPECT_LT(OneCycle(2, 0, 100), 0.25);
  EXPECT_LT(OneCycle(2, 99, 100), 0.03);
  EXPECT_GT(OneCycle(2, 0, 1), 0);
}

TEST(MinibatchSizes, LeavesNoSampleAlone) {
  using Sizes = std::vector<std::size_t>;
  EXPECT_EQ(MinibatchSizes(64, 32), (Sizes{32, 32}));
  EXPECT_EQ(MinibatchSizes(65, 32), (Sizes{32, 33}));
  EXPECT_EQ(MinibatchSizes(66, 32), (Sizes{32, 32, 2}));
  EXPECT_EQ(MinibatchSizes(33, 32), (Sizes{33}));
  EXPECT_EQ(MinibatchSizes(1, 32), (Sizes{1}));
  EXPECT_EQ(MinibatchSizes(5, 1), (Sizes{2, 3}));
  EXPECT_TRUE(MinibatchSizes(0, 32).empty());
  for (std::size_t count = 2; count < 100; ++count) {
    for (std::size_t batch = 1; batch < 20; ++batch) {
      const auto sizes = MinibatchSizes(count, batch);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), count);
      EXPECT_GE(*std::min_element(sizes.begin(), sizes.end()), 2U) << count << " " << batch;
    }
  }
}

}  // namespace
}  // namespace ekya::retrain::internal
