#include "apps/learning/continual.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace ekya::learning {
namespace {

TEST(ContinualCourse, ForgettingIsWhatOfTheBestIsLost) {
  ContinualCourse course;
  course.of_class = {{{0, 0.9}, {1, 0.5}}, {{0, 0.6}, {1, 0.7}}, {{0, 0.5}, {1, 0.8}, {2, 1.0}}};
  // Of class 0 the best was 0.9, of class 1 it was 0.7; class 2 has had no time to be forgotten.
  EXPECT_NEAR(course.Forgetting(), ((0.9 - 0.5) + (0.7 - 0.8)) / 2, 1e-12);
  EXPECT_EQ(ContinualCourse{}.Forgetting(), 0);
}

/// Three classes, two a window: brighter in one third of the picture.
SampleStream ThreeClasses() {
  Random random(1);
  const auto draw = [&](int label) {
    Sample sample;
    sample.image = {32, 32, {}};
    for (int y = 0; y < 32; ++y) {
      const int level = 3 * y / 32 == label ? 150 : 60;
      for (int i = 0; i < 3 * 32; ++i) {
        sample.image.pixels.push_back(static_cast<std::uint8_t>(level + random.Below(50)));
      }
    }
    sample.label = label;
    return sample;
  };
  SampleStream stream{"three", {"top", "middle", "bottom"}, 10, {}};
  for (int window = 0; window < 2; ++window) {
    auto& shown = stream.windows.emplace_back();
    // The last class comes first.
    for (int i = 0; i < 60; ++i) shown.samples.push_back(draw(2 - (window + i % 2)));
    for (int label = 2; label >= 1 - window; --label) {
      for (int i = 0; i < 10; ++i) shown.test.push_back(draw(label));
    }
  }
  return stream;
}

TEST(LearnContinually, OursKeepsWhatFineTuningForgets) {
  const auto stream = ThreeClasses();
  const auto finetune = LearnContinually(stream, ContinualMethods().front(), 1);
  const auto ours = LearnContinually(stream, ContinualMethods().back(), 1);
  ASSERT_TRUE(finetune.ok()) << finetune.error().message;
  ASSERT_TRUE(ours.ok()) << ours.error().message;
  ASSERT_EQ(ours->accuracy.size(), 2U);
  EXPECT_EQ(ours->of_class[0].size(), 2U);
  EXPECT_EQ(ours->of_class[1].size(), 3U);
  EXPECT_EQ(ours->of_class[0], finetune->of_class[0]);  // nothing is known yet: the same
  EXPECT_GT(ours->of_class[1].at(0), finetune->of_class[1].at(0));
  EXPECT_GT(ours->DeviceSeconds(), 0);
}

}  // namespace
}  // namespace ekya::learning
