#include "decide/profile/nnls.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace ekya::profile {
namespace {

// Solves the normal equations of the columns in `passive` by elimination with pivoting. A column
// that depends on those before it gets 0.
std::vector<double> SolvePassive(const std::vector<double>& gram, const std::vector<double>& moment,
                                 const std::vector<bool>& passive) {
  const std::size_t columns = moment.size();
  std::vector<std::size_t> index;
  for (std::size_t j = 0; j < columns; ++j) {
    if (passive[j]) index.push_back(j);
  }
  const std::size_t size = index.size();
  std::vector<std::vector<double>> rows(size, std::vector<double>(size + 1));
  double largest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) rows[i][j] = gram[index[i] * columns + index[j]];
    rows[i][size] = moment[index[i]];
    largest = std::max(largest, rows[i][i]);
  }
  std::vector<bool> solved(size, false);
  for (std::size_t step = 0; step < size; ++step) {
    // The largest remaining diagonal element: the matrix is symmetric and positive semidefinite.
    std::size_t pivot = size;
    for (std::size_t i = 0; i < size; ++i) {
      if (!solved[i] && (pivot == size || rows[i][i] > rows[pivot][pivot])) pivot = i;
    }
    if (rows[pivot][pivot] <= 1e-13 * largest) break;
    solved[pivot] = true;
    for (std::size_t i = 0; i < size; ++i) {
      if (i == pivot) continue;
      const double factor = rows[i][pivot] / rows[pivot][pivot];
      for (std::size_t j = 0; j <= size; ++j) rows[i][j] -= factor * rows[pivot][j];
    }
  }
  std::vector<double> x(columns, 0.0);
  for (std::size_t i = 0; i < size; ++i) {
    if (solved[i]) x[index[i]] = rows[i][size] / rows[i][i];
  }
  return x;
}

}  // namespace

std::vector<double> SolveNonNegative(const std::vector<double>& a, const std::vector<double>& b,
                                     std::size_t columns) {
  EKYA_CHECK(a.size() == columns * b.size());
  std::vector<double> gram(columns * columns, 0.0);
  std::vector<double> moment(columns, 0.0);
  for (std::size_t row = 0; row < b.size(); ++row) {
    for (std::size_t i = 0; i < columns; ++i) {
      moment[i] += a[row * columns + i] * b[row];
      for (std::size_t j = 0; j < columns; ++j) {
        gram[i * columns + j] += a[row * columns + i] * a[row * columns + j];
      }
    }
  }
  double scale = 0;
  for (const double value : moment) scale = std::max(scale, std::abs(value));

  std::vector<double> x(columns, 0.0);
  std::vector<bool> passive(columns, false);
  // In exact arithmetic every round lowers the residual, so no passive set comes twice; rounding
  // could make it, hence a bound on the rounds.
  for (std::size_t round = 0; round < 4 * columns + 4; ++round) {
    std::size_t entering = columns;
    double steepest = 1e-12 * scale;
    for (std::size_t j = 0; j < columns; ++j) {
      double gradient = moment[j];
      for (std::size_t i = 0; i < columns; ++i) gradient -= gram[j * columns + i] * x[i];
      if (!passive[j] && gradient > steepest) {
        steepest = gradient;
        entering = j;
      }
    }
    if (entering == columns) break;
    passive[entering] = true;
    while (true) {
      const std::vector<double> candidate = SolvePassive(gram, moment, passive);
      double step = 1;
      std::size_t leaving = columns;
      for (std::size_t j = 0; j < columns; ++j) {
        if (passive[j] && candidate[j] < 0 && x[j] / (x[j] - candidate[j]) < step) {
          step = x[j] / (x[j] - candidate[j]);
          leaving = j;
        }
      }
      for (std::size_t j = 0; j < columns; ++j) x[j] += step * (candidate[j] - x[j]);
      if (leaving == columns) break;
      for (std::size_t j = 0; j < columns; ++j) {
        if (passive[j] && (j == leaving || x[j] <= 0)) {
          passive[j] = false;
          x[j] = 0;
        }
      }
    }
  }
  return x;
}

}  // namespace ekya::profile
