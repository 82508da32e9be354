#include "stages/labels/choice.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ekya::labels {
namespace {

std::vector<FrameNews> Same(std::size_t count) { return {count, FrameNews{0.5, {0, 0}}}; }

std::size_t Uniform(const std::vector<ChosenFrame>& chosen) {
  return static_cast<std::size_t>(
      std::count_if(chosen.begin(), chosen.end(), [](const auto& each) { return each.uniform; }));
}

bool Has(const std::vector<ChosenFrame>& chosen, std::size_t frame, bool uniform) {
  return std::any_of(chosen.begin(), chosen.end(), [&](const ChosenFrame& each) {
    return each.frame == frame && each.uniform == uniform;
  });
}

TEST(ChooseFrames, TakesAllWhereItMay) {
  const auto chosen = ChooseFrames(Same(5), 9);
  EXPECT_EQ(chosen.size(), 5U);
  EXPECT_EQ(Uniform(chosen), 5U);
  EXPECT_TRUE(ChooseFrames({}, 3).empty());
  EXPECT_TRUE(ChooseFrames(Same(5), 0).empty());
}

TEST(ChooseFrames, SpreadsTheUniformPartWhateverTheFramesShow) {
  auto frames = Same(100);
  for (std::size_t i = 0; i < 50; ++i) frames[i] = {1, {static_cast<float>(i), 7}};
  const auto plain = ChooseFrames(Same(100), 10);
  const auto chosen = ChooseFrames(frames, 10);
  ASSERT_EQ(chosen.size(), 10U);
  EXPECT_EQ(Uniform(chosen), 7U);
  for (const ChosenFrame& each : plain) {
    EXPECT_TRUE(!each.uniform || Has(chosen, each.frame, true)) << each.frame;
  }
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end(),
                             [](const auto& a, const auto& b) { return a.frame < b.frame; }));
}

TEST(ChooseFrames, AddsWhatIsUnsureAndNew) {
  auto frames = Same(100);
  frames[11] = {0.9, {5, 0}};                   // unsure and new
  frames[13] = {0.9, {5, 0.1F}};                // as the one before: no news beside it
  frames[31] = {0.9, {0, 0}};                   // unsure, but looks as all do
  frames[33] = {0.0, {0, 4}};                   // sure, but looks like nothing else
  frames[80] = {1.0, {9, 9}};                   // in the part that is held out
  const auto chosen = ChooseFrames(frames, 6);  // 5 uniform, 1 more
  EXPECT_TRUE(Has(chosen, 11, false) || Has(chosen, 13, false));
  EXPECT_FALSE(Has(chosen, 31, false));
  const auto more = ChooseFrames(frames, 8);  // 6 uniform, 2 more
  EXPECT_TRUE(Has(more, 33, false));
  EXPECT_FALSE(Has(more, 80, false));
  EXPECT_NE(Has(more, 11, false), Has(more, 13, false));
}

}  // namespace
}  // namespace ekya::labels
