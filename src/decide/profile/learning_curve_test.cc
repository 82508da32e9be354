#include "decide/profile/learning_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace ekya::profile {
namespace {

std::vector<CurvePoint> Points(const std::vector<double>& accuracy) {
  std::vector<CurvePoint> points;
  for (std::size_t k = 1; k <= accuracy.size(); ++k) {
    points.push_back({static_cast<double>(k), accuracy[k - 1]});
  }
  return points;
}

LearningCurve Fit(const std::vector<double>& accuracy, double noise = 0.01) {
  Result<LearningCurve> curve = LearningCurve::Fit(Points(accuracy), noise);
  EXPECT_TRUE(curve.ok());
  return *curve;
}

TEST(LearningCurve, RecoversACurveOfItsOwnFamily) {
  const auto truth = [](double k) { return 1 - (1 / (0.8 * k + 1.5) + 0.1); };
  std::vector<double> accuracy;
  for (int k = 1; k <= 8; ++k) accuracy.push_back(truth(k));
  const LearningCurve curve = Fit(accuracy, 0.002);
  for (const double k : {1.0, 8.0, 15.0, 30.0}) EXPECT_NEAR(curve.At(k), truth(k), 0.012) << k;
}

TEST(LearningCurve, ExtrapolatesAboveWhatWasMeasuredAndFlattens) {
  const LearningCurve curve = Fit({0.60, 0.70, 0.75, 0.78, 0.80});
  EXPECT_GT(curve.At(15), 0.83);
  EXPECT_LT(curve.At(15), 0.97);
  EXPECT_LT(curve.At(30) - curve.At(20), curve.At(15) - curve.At(5));
  EXPECT_GT(curve.Spread(30), curve.Spread(5));
}

TEST(LearningCurve, AFlatCurveStaysNearWhatItWas) {
  for (const double level : {0.0, 0.3, 0.75, 1.0}) {
    const LearningCurve curve = Fit({level, level, level, level, level});
    EXPECT_NEAR(curve.At(5), level, 0.002) << level;
    EXPECT_NEAR(curve.At(1000), level, 0.02) << level;
  }
}

TEST(LearningCurve, NoiseAloneIsNotTakenForLearning) {
  // 300 flat trials at 0.7 judged on samples that scatter by 0.02: read at six times the work, the
  // mean promise must stay within two points.
  Random random(3);
  double sum = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<double> accuracy;
    for (int k = 0; k < 5; ++k) accuracy.push_back(0.7 + 0.02 * random.Normal());
    sum += Fit(accuracy, 0.02).At(30);
  }
  EXPECT_NEAR(sum / 300, 0.7, 0.045);
}

TEST(LearningCurve, AFallingCurveIsReadAsItsMean) {
  const LearningCurve curve = Fit({0.8, 0.75, 0.7, 0.65});
  EXPECT_NEAR(curve.At(4), 0.725, 0.01);
  EXPECT_NEAR(curve.At(100), 0.725, 0.02);
}

TEST(LearningCurve, OnePointIsFlatAndTwoAreEnough) {
  EXPECT_NEAR(Fit({0.8}).At(50), 0.8, 0.15);
  EXPECT_GT(Fit({0.5, 0.8}).At(10), 0.8);
  const LearningCurve same_work = *LearningCurve::Fit({{2, 0.5}, {2, 0.7}}, 0.05);
  EXPECT_NEAR(same_work.At(2), 0.6, 0.02);
}

TEST(LearningCurve, NeverFallsAndStaysInRangeWhateverThePoints) {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<CurvePoint> points;
    for (std::size_t k = 0; k <= random.Below(7); ++k) {
      const double corner = random.Uniform();
      points.push_back({corner < 0.1 ? 0 : random.Uniform(0, 10), corner < 0.2 ? 1.0
                                                                  : corner > 0.8
                                                                      ? 0.0
                                                                      : random.Uniform()});
    }
    Result<LearningCurve> curve = LearningCurve::Fit(points, random.Uniform(0.001, 0.2));
    ASSERT_TRUE(curve.ok());
    double last = 0;
    for (double k = 0; k < 1000; k = k * 1.5 + 0.1) {
      ASSERT_TRUE(std::isfinite(curve->Spread(k)));
      ASSERT_GE(curve->At(k), last - 1e-12);
      ASSERT_LE(curve->At(k), 1);
      last = curve->At(k);
    }
  }
}

TEST(LearningCurve, RefusesWhatIsNoMeasurement) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(LearningCurve::Fit({}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{1, nan}}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{nan, 0.5}}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{infinity, 0.5}}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{1, 1.01}}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{-1, 0.5}}, 0.01).ok());
  EXPECT_FALSE(LearningCurve::Fit({{1, 0.5}}, nan).ok());
  EXPECT_FALSE(LearningCurve::Fit({{1, 0.5}}, 0).ok());
}

}  // namespace
}  // namespace ekya::profile
