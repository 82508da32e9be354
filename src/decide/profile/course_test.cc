#include "decide/profile/course.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace ekya::profile {
namespace {

TEST(Course, KnowsLittleAtFirstAndNothingIsLeftAtTheEnd) {
  const Course course;
  EXPECT_DOUBLE_EQ(course.After(0.3).gain, 0);
  EXPECT_NEAR(course.After(0.3).spread, 0.1, 1e-9);
  EXPECT_DOUBLE_EQ(course.After(1).gain, 0);
  EXPECT_DOUBLE_EQ(course.After(1).spread, 0);
}

TEST(Course, LearnsWhatIsStillToComeAndHowSureThatIs) {
  Course course;
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    course.Learn(0.1, 0.2 + 0.05 * random.Normal());
    course.Learn(0.9, 0.01 + 0.01 * random.Normal());
  }
  EXPECT_NEAR(course.After(0.2).gain, 0.2, 0.03);
  EXPECT_NEAR(course.After(0.2).spread, 0.07, 0.02);
  EXPECT_NEAR(course.After(0.8).gain, 0.01, 0.01);
  EXPECT_LT(course.After(0.8).spread, 0.04);
  // Nothing was seen in the second quarter.
  EXPECT_DOUBLE_EQ(course.After(0.4).gain, 0);
}

TEST(Course, FollowsWhatChangesAndPassesOverWhatIsNoNumber) {
  Course course;
  for (int i = 0; i < 100; ++i) course.Learn(0.5, 0.3);
  for (int i = 0; i < 100; ++i) course.Learn(0.5, 0.0);
  EXPECT_LT(course.After(0.5).gain, 0.05);
  course.Learn(std::numeric_limits<double>::quiet_NaN(), 0.5);
  course.Learn(0.5, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isfinite(course.After(0.5).gain));
  EXPECT_LT(course.After(0.5).gain, 0.05);
}

}  // namespace
}  // namespace ekya::profile
