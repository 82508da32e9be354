#include "decide/profile/nnls.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace ekya::profile {
namespace {

double Residual(const std::vector<double>& a, const std::vector<double>& b,
                const std::vector<double>& x) {
  double squares = 0;
  for (std::size_t row = 0; row < b.size(); ++row) {
    double miss = -b[row];
    for (std::size_t j = 0; j < x.size(); ++j) miss += a[row * x.size() + j] * x[j];
    squares += miss * miss;
  }
  return squares;
}

TEST(Nnls, SolvesWhatOrdinaryLeastSquaresSolvesWhereThatIsPositive) {
  // b = 2 k + 3 exactly.
  const std::vector<double> x = SolveNonNegative({1, 1, 2, 1, 3, 1, 4, 1}, {5, 7, 9, 11}, 2);
  EXPECT_NEAR(x[0], 2, 1e-9);
  EXPECT_NEAR(x[1], 3, 1e-9);
}

TEST(Nnls, KeepsAFallingLineFlat) {
  const std::vector<double> x = SolveNonNegative({1, 1, 2, 1, 3, 1}, {3, 2, 1}, 2);
  EXPECT_DOUBLE_EQ(x[0], 0);
  EXPECT_NEAR(x[1], 2, 1e-12);
}

TEST(Nnls, TakesDependentAndZeroColumns) {
  const std::vector<double> twice = SolveNonNegative({1, 1, 2, 2, 3, 3}, {2, 4, 6}, 2);
  EXPECT_NEAR(twice[0] + twice[1], 2, 1e-9);
  const std::vector<double> zero = SolveNonNegative({0, 1, 0, 1}, {4, 4}, 2);
  EXPECT_DOUBLE_EQ(zero[0], 0);
  EXPECT_NEAR(zero[1], 4, 1e-12);
  EXPECT_EQ(SolveNonNegative({1, 2}, {-1}, 2), (std::vector<double>{0, 0}));
  EXPECT_EQ(SolveNonNegative({}, {}, 2), (std::vector<double>{0, 0}));
}

TEST(Nnls, MeetsTheOptimalityConditionsOnRandomProblems) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    const std::size_t columns = 1 + random.Below(4);
    const std::size_t rows = 1 + random.Below(8);
    std::vector<double> a(rows * columns);
    std::vector<double> b(rows);
    for (double& value : a) value = random.Normal();
    for (double& value : b) value = random.Normal();
    const std::vector<double> x = SolveNonNegative(a, b, columns);
    const double residual = Residual(a, b, x);
    for (std::size_t j = 0; j < columns; ++j) {
      ASSERT_GE(x[j], 0);
      for (const double step : {1e-4, -1e-4}) {
        std::vector<double> moved = x;
        moved[j] += step;
        if (moved[j] >= 0) {
          ASSERT_GE(Residual(a, b, moved), residual - 1e-12);
        }
      }
    }
  }
}

}  // namespace
}  // namespace ekya::profile
