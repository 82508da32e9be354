#include "decide/profile/correction.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"

namespace ekya::profile {
namespace {

TEST(Correction, SaysNothingBeforeItLearned) {
  const Correction correction;
  EXPECT_DOUBLE_EQ(correction.For("lobby", "e15"), 0);
}

TEST(Correction, OneMeasurementMovesALittleAndManyAlmostAllTheWay) {
  Correction correction;
  correction.Learn("lobby", "e15", -0.2);
  EXPECT_LT(correction.For("lobby", "e15"), -0.05);
  EXPECT_GT(correction.For("lobby", "e15"), -0.2);
  for (int i = 0; i < 30; ++i) correction.Learn("lobby", "e15", -0.2);
  EXPECT_NEAR(correction.For("lobby", "e15"), -0.2, 0.01);
}

TEST(Correction, AConfigurationsErrorIsKnownToAStreamThatNeverTriedIt) {
  Correction correction;
  for (int i = 0; i < 10; ++i) {
    correction.Learn("s" + std::to_string(i), "long", -0.2);
    correction.Learn("s" + std::to_string(i), "short", 0.0);
  }
  EXPECT_LT(correction.For("new", "long"), -0.12);
  EXPECT_GT(correction.For("new", "short"), -0.05);
}

TEST(Correction, AStreamsErrorIsKnownToItsOtherConfigurations) {
  Correction correction;
  for (int i = 0; i < 10; ++i) {
    correction.Learn("odd", "a" + std::to_string(i % 2), 0.3);
    correction.Learn("usual", "a" + std::to_string(i % 2), 0.0);
    correction.Learn("other", "a" + std::to_string(i % 2), 0.0);
  }
  EXPECT_GT(correction.For("odd", "b"), 0.2);
  EXPECT_LT(correction.For("usual", "b"), 0.06);
}

TEST(Correction, NeverGoesBeyondWhatWasMeasuredAndFollowsAChange) {
  Correction correction;
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    const std::string stream = std::to_string(random.Below(4));
    correction.Learn(stream, std::to_string(random.Below(5)), random.Uniform(-0.1, 0.3));
    const double now = correction.For(stream, std::to_string(random.Below(6)));
    ASSERT_GT(now, -0.3);
    ASSERT_LT(now, 0.5);
  }
  for (int i = 0; i < 100; ++i) correction.Learn("1", "1", -0.4);
  EXPECT_NEAR(correction.For("1", "1"), -0.4, 0.05);
  correction.Learn("1", "1", std::numeric_limits<double>::quiet_NaN());
  EXPECT_NEAR(correction.For("1", "1"), -0.4, 0.05);
}

}  // namespace
}  // namespace ekya::profile
