#include "apps/learning/shares_measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ekya::learning {
namespace {

using testing::Each;
using testing::Gt;
using testing::SizeIs;

TEST(QuantileTest, IsTheValueBelowWhichAPartLies) {
  EXPECT_EQ(Quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(Quantile({3, 1, 2}, 0), 1);
  EXPECT_EQ(Quantile({3, 1, 2}, 1), 3);
  EXPECT_EQ(Quantile({7}, 0.99), 7);
  std::vector<double> hundred;
  for (int i = 100; i > 0; --i) hundred.push_back(i);
  EXPECT_EQ(Quantile(hundred, 0.99), 99);
}

/// On a machine that does other work too: only what no such work can bring about.
class SharesMeasuresTest : public testing::Test {
 protected:
  const ShareWork work_ = MakeShareWork().value();
  const std::unique_ptr<resources::ShareEnforcer> enforcer_ =
      resources::MakeShareEnforcer("pacing").value();
};

TEST_F(SharesMeasuresTest, ATrainingJobIsHeldToItsShare) {
  const auto training = TrainInThread(*enforcer_, work_);
  ASSERT_TRUE(training.ok()) << training.error().message;
  const auto measured = MeasureSteadyShares(**training, {0.2, 0.5}, 1.5);
  ASSERT_TRUE(measured.ok()) << measured.error().message;
  ASSERT_THAT(*measured, SizeIs(2));
  EXPECT_GT(measured->at(0).measured, 0);
  EXPECT_LT(measured->at(0).measured, 0.35);
  EXPECT_LT(measured->at(1).measured, 0.65);
}

TEST_F(SharesMeasuresTest, AChangeIsSeenInTheMinibatchesAroundIt) {
  double minibatch_seconds = 0;
  const auto changes =
      MeasureChanges(*enforcer_, work_, {{0.9, 0.3}, {0.3, 0.9}}, 1, &minibatch_seconds);
  ASSERT_TRUE(changes.ok()) << changes.error().message;
  ASSERT_THAT(*changes, SizeIs(2));
  EXPECT_GT(minibatch_seconds, 0.001);
  for (const ShareChange& change : *changes) EXPECT_GT(change.next_minibatch_seconds, 0);
}

TEST_F(SharesMeasuresTest, InferenceIsServedAloneAndBesideTraining) {
  const auto intervals = MeasureIntervals(*enforcer_, work_, 0.5, 1, 1.5);
  ASSERT_TRUE(intervals.ok()) << intervals.error().message;
  EXPECT_GE(intervals->regions, 1);
  EXPECT_GT(intervals->cpu_seconds, 0);
  EXPECT_FALSE(intervals->alone.empty());
  EXPECT_THAT(intervals->alone, Each(Gt(0)));
}

TEST(TrainUntilKilledTest, NeedsWhatItTrainsOn) {
  EXPECT_FALSE(TrainUntilKilled("/nowhere").ok());
  EXPECT_FALSE(IsRestarted());
}

}  // namespace
}  // namespace ekya::learning
