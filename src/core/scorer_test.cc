#include "core/scorer.h"

#include <gtest/gtest.h>

#include <limits>

namespace ekya {
namespace {

Detection At(double x, int class_index, double score = 1) {
  return {{x, 0, 10, 10}, class_index, score};
}

TEST(Scorer, CountsWhatIsAtItsPlaceWithItsClass) {
  const std::vector<Detection> truth = {At(0, 0), At(100, 1), At(200, 0)};
  const std::vector<Detection> found = {At(1, 0), At(101, 0), At(300, 0)};
  const FrameScore score = ScoreFrame(found, truth, 0.3);
  EXPECT_EQ(score.right, 1);  // the second has the wrong class, the third the wrong place
  EXPECT_EQ(score.objects, 3);
  EXPECT_EQ(score.detections, 3);
  EXPECT_DOUBLE_EQ(score.Accuracy(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(score.F1(), 2.0 / 6);
}

TEST(Scorer, MatchesOneToOneBestScoreFirst) {
  // Two results on one object: the surer one is taken, the other is a false alarm.
  const FrameScore doubled = ScoreFrame({At(2, 1, 0.4), At(0, 0, 0.9)}, {At(0, 0)}, 0.3);
  EXPECT_EQ(doubled.right, 1);
  EXPECT_DOUBLE_EQ(doubled.F1(), 2.0 / 3);
  const FrameScore wrong_first = ScoreFrame({At(2, 1, 0.9), At(0, 0, 0.4)}, {At(0, 0)}, 0.3);
  EXPECT_EQ(wrong_first.right, 0);
}

TEST(Scorer, ObjectsThatMovedAwayFromACarriedResultAreMissed) {
  EXPECT_EQ(ScoreFrame({At(0, 0)}, {At(4, 0)}, 0.3).right, 1);   // IoU 6/14
  EXPECT_EQ(ScoreFrame({At(0, 0)}, {At(6, 0)}, 0.3).right, 0);   // IoU 4/16
  EXPECT_EQ(ScoreFrame({At(0, 0)}, {At(40, 0)}, 0.0).right, 0);  // no overlap at all
}

TEST(Scorer, SaysWhereNothingWasToBeFound) {
  const FrameScore nothing = ScoreFrame({}, {}, 0.3);
  EXPECT_LT(nothing.Accuracy(), 0);
  EXPECT_LT(nothing.F1(), 0);
  const FrameScore false_alarm = ScoreFrame({At(0, 0)}, {}, 0.3);
  EXPECT_LT(false_alarm.Accuracy(), 0);
  EXPECT_DOUBLE_EQ(false_alarm.F1(), 0);
}

TEST(Scorer, CountsOfFramesPool) {
  FrameScore sum = ScoreFrame({At(0, 0)}, {At(0, 0)}, 0.3);
  sum += ScoreFrame({}, {At(0, 0), At(50, 0), At(90, 0)}, 0.3);
  EXPECT_DOUBLE_EQ(sum.Accuracy(), 0.25);
}

TEST(Scorer, HostileResultsAreMerelyWrong) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Detection> found = {
      {{nan, 0, 10, 10}, 0, nan}, At(0, 0, nan), {{0, 0, -5, 3}, 0, 1}, At(0, 0, 0.5)};
  const FrameScore score = ScoreFrame(found, {At(0, 0)}, 0.3);
  EXPECT_EQ(score.right, 1);
  EXPECT_EQ(score.detections, 4);
}

TEST(Scorer, AveragePrecisionIsTheAreaBelowTheCurve) {
  // Best first: right, wrong, right; of three objects. Precision 1 up to recall 1/3, 2/3 up to 2/3.
  const std::vector<JudgedPicture> one = {{{At(0, 0, 0.9), At(200, 0, 0.8)}, {At(0, 0), At(50, 0)}},
                                          {{At(0, 0, 0.7)}, {At(1, 0)}}};
  EXPECT_NEAR(MeanAveragePrecision(one, 0.3), 1.0 / 3 + 2.0 / 9, 1e-12);
  // A second detection of an object that is found is wrong.
  EXPECT_DOUBLE_EQ(MeanAveragePrecision({{{At(0, 0, 0.9), At(0, 0, 0.8)}, {At(0, 0)}}}, 0.3), 1);
  EXPECT_DOUBLE_EQ(MeanAveragePrecision({{{At(9, 0, 0.9)}, {At(0, 0)}}}, 0.3), 0);
  // The mean over the classes that there are: one is found, the other is not.
  Detection other = At(50, 0);
  other.class_index = 1;
  EXPECT_DOUBLE_EQ(MeanAveragePrecision({{{At(0, 0, 0.9)}, {At(0, 0), other}}}, 0.3), 0.5);
  EXPECT_LT(MeanAveragePrecision({{{At(0, 0, 0.9)}, {}}}, 0.3), 0);
}

TEST(Scorer, TruthIsWhatRegionsKnow) {
  Frame frame;
  frame.regions = {{{0, 0, 5, 5}, 2, -1}, {{9, 9, 5, 5}, std::nullopt, -1}};
  const std::vector<Detection> truth = TruthOf(frame);
  ASSERT_EQ(truth.size(), 1u);
  EXPECT_EQ(truth[0].class_index, 2);
  EXPECT_DOUBLE_EQ(truth[0].box.width, 5);
}

}  // namespace
}  // namespace ekya
