#include "decide/profile/halving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace ekya::profile {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SuccessiveHalvingTest, TheBetterHalfTrainsOnUntilOneIsLeft) {
  SuccessiveHalving halving(5, 4);
  EXPECT_THAT(halving.Next(), ElementsAre(0, 1, 2, 3, 4));
  halving.EndRung({0.1, 0.5, 0.3, 0.2, 0.4});
  EXPECT_THAT(halving.Next(), ElementsAre(1, 4, 2));
  halving.EndRung({0.5, 0.4, 0.6});
  EXPECT_THAT(halving.Next(), ElementsAre(2, 1));
  halving.EndRung({0.6, 0.7});
  EXPECT_THAT(halving.Next(), ElementsAre(1));
  halving.EndRung({0.7});
  EXPECT_THAT(halving.Next(), IsEmpty());
}

TEST(SuccessiveHalvingTest, EndsWithItsLastRung) {
  SuccessiveHalving halving(4, 1);
  halving.EndRung({0.1, 0.2, 0.3, 0.4});
  EXPECT_THAT(halving.Next(), IsEmpty());
  EXPECT_THAT(SuccessiveHalving(3, 0).Next(), IsEmpty());
  EXPECT_THAT(SuccessiveHalving(0, 3).Next(), IsEmpty());
}

TEST(SuccessiveHalvingTest, ATrialThatFailedIsDropped) {
  SuccessiveHalving halving(3, 3);
  const double failed = std::numeric_limits<double>::quiet_NaN();
  halving.EndRung({failed, failed, 0.2});
  EXPECT_THAT(halving.Next(), ElementsAre(2));
}

}  // namespace
}  // namespace ekya::profile
