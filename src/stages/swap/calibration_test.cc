#include "stages/swap/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace ekya::swap {
namespace {

// Scores of a model whose logits are `sharpness` times too large; it is right as often as the
// unsharpened ones say.
std::vector<ScoredSample> Overconfident(int classes, double sharpness, int count, Random& random) {
  std::vector<ScoredSample> samples;
  const Calibration sharpen(classes, 1 / sharpness);
  for (int i = 0; i < count; ++i) {
    const double honest = random.Uniform(1.0 / classes + 0.01, 0.99);
    samples.push_back({sharpen.Apply(honest), random.Uniform() < honest});
  }
  return samples;
}

TEST(Calibration, FindsHowMuchTooSureAModelIs) {
  Random random(2);
  for (const int classes : {2, 4, 10}) {
    for (const double sharpness : {0.6, 1.0, 2.0, 4.0}) {
      const auto held_out = Overconfident(classes, sharpness, 2000, random);
      const Calibration fitted = Calibration::Fit(classes, held_out);
      EXPECT_NEAR(std::log(fitted.temperature()), std::log(sharpness), 0.15)
          << classes << " classes";
      // On samples that it was not fitted on.
      const auto fresh = Overconfident(classes, sharpness, 4000, random);
      std::vector<ScoredSample> calibrated;
      for (const ScoredSample& sample : fresh) {
        calibrated.push_back({fitted.Apply(sample.score), sample.right});
      }
      EXPECT_LT(CalibrationError(calibrated), 0.04);
      if (sharpness >= 2) {
        EXPECT_GT(CalibrationError(fresh), 2 * CalibrationError(calibrated));
      }
    }
  }
}

TEST(Calibration, KeepsTheOrderOfScores) {
  const Calibration calibration(5, 2.5);
  double last = 0;
  for (double score = 0.2; score <= 1; score += 0.01) {
    const double made = calibration.Apply(score);
    EXPECT_GT(made, last);
    EXPECT_LT(made, 1);
    last = made;
  }
  EXPECT_NEAR(calibration.Apply(0.2), 0.2, 1e-9) << "of five classes, a score that says nothing";
  EXPECT_NEAR(Calibration(3).Apply(0.7), 0.7, 1e-12);
}

TEST(Calibration, FewSamplesMoveItLittle) {
  EXPECT_DOUBLE_EQ(Calibration::Fit(2, {}).temperature(), 1);
  const Calibration one = Calibration::Fit(2, {{0.9, false}});
  EXPECT_GT(one.temperature(), 1);
  EXPECT_LT(one.temperature(), 4);
  // Always right and fully sure, or always wrong: still a number.
  const Calibration sure = Calibration::Fit(2, std::vector<ScoredSample>(500, {1.0, true}));
  EXPECT_GT(sure.Apply(0.9), 0.89);
  const Calibration wrong = Calibration::Fit(2, std::vector<ScoredSample>(500, {1.0, false}));
  EXPECT_LT(wrong.Apply(0.99), 0.75);
}

TEST(CalibrationError, IsTheDistanceBetweenWordAndDeed) {
  EXPECT_DOUBLE_EQ(CalibrationError({}), 0);
  EXPECT_NEAR(CalibrationError({{0.85, true}, {0.85, false}}), 0.35, 1e-12);
  // Errors of different bins do not make up for each other.
  EXPECT_NEAR(CalibrationError({{0.95, false}, {0.05, true}}), 0.95, 1e-12);
  EXPECT_NEAR(CalibrationError({{1.0, true}, {0.0, false}}), 0, 1e-12);
}

}  // namespace
}  // namespace ekya::swap
