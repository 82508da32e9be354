#pragma once

#include <cstddef>
#include <vector>

namespace ekya::profile {

/// The x >= 0 that minimises |a x - b| (Lawson and Hanson 1974, algorithm NNLS). `a` has `columns`
/// columns, row by row: a.size() = columns * b.size(). Every number must be finite. Meant for a
/// handful of columns. Where columns depend on each other, one of the best solutions.
std::vector<double> SolveNonNegative(const std::vector<double>& a, const std::vector<double>& b,
                                     std::size_t columns);

}  // namespace ekya::profile
