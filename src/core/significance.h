#pragma once

#include <cstdint>
#include <vector>

namespace ekya {

/// How likely chance alone would give at least `wins` of `wins + losses` (those as surprising as
/// this count half: the mid-p value, which is right on average where few are compared). Exact sign
/// test, one-sided; with samples that exactly one of two models is right on, McNemar's. 0.5 where
/// nothing is compared.
double SignTest(int wins, int losses);

/// The same of the mean of paired `differences` (each -1..1, independent of each other) being above
/// 0: how many of the ways to flip their signs give as high a mean. Exact for up to 12 differences
/// that are not 0, else by 4,000 random flips. Differences of one size are left to SignTest, which
/// gives the same.
double SignFlipTest(const std::vector<double>& differences, std::uint64_t seed);

/// How likely chance alone would give at most `right` of `count` where a sample of the same kind
/// had `right_before` of `count_before`: Fisher's exact test with mid-p, one-sided. 0.5 where one
/// of them is empty. Counts up to a million.
double FewerTest(int right_before, int count_before, int right, int count);

}  // namespace ekya
