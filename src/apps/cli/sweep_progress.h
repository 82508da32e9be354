#pragma once

#include <cstddef>

#include "base/clock.h"

namespace ekya::cli {

/// The progress of many simulated runs: one line on stderr, rewritten, where that is a terminal.
class SweepProgress {
 public:
  SweepProgress();

  void Show(std::size_t done, std::size_t total);
  /// Leaves the line empty.
  void Clear();

 private:
  const bool terminal_;
  const double start_ = MonotonicClock().Now();
  double shown_ = 0;
};

}  // namespace ekya::cli
