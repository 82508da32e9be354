#include "stages/swap/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace ekya::swap {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Judge, TakesABetterModelAndADraw) {
  EXPECT_TRUE(Judge(0.7, 0.9, 100).promote);
  EXPECT_TRUE(Judge(0.8, 0.8, 100).promote);
  EXPECT_TRUE(Judge(1, 1, 1).promote);
  EXPECT_THAT(Judge(0.7, 0.9, 100).reason,
              AllOf(HasSubstr("0.900"), HasSubstr("0.700"), HasSubstr("100 held-out")));
}

TEST(Judge, ForgivesWhatChanceExplains) {
  // One standard error of the difference at 0.8 on 100 samples is about 0.056.
  EXPECT_TRUE(Judge(0.8, 0.76, 100).promote);
  EXPECT_FALSE(Judge(0.8, 0.7, 100).promote);
  // More samples, less chance.
  EXPECT_FALSE(Judge(0.8, 0.76, 10'000).promote);
  EXPECT_FALSE(Judge(1, 0, 3).promote);
}

TEST(Judge, IsNotFooledByAPerfectScoreOnFewSamples) {
  // 10 of 10 is no certainty: 9 of 10 may be as good.
  EXPECT_TRUE(Judge(1, 0.9, 10).promote);
  EXPECT_FALSE(Judge(1, 0.9, 1000).promote);
}

TEST(Judge, TakesTheNewerWhereNothingWasMeasured) {
  const auto result = Judge(0.9, 0, 0);
  EXPECT_TRUE(result.promote);
  EXPECT_THAT(result.reason, HasSubstr("no held-out sample"));
  EXPECT_TRUE(Judge(kNan, 0.5, 10).promote);
  EXPECT_FALSE(Judge(0.5, kNan, 10).promote);
  EXPECT_FALSE(Judge(0.5, kNan, 0).promote);
}

}  // namespace
}  // namespace ekya::swap
