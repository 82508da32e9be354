#pragma once

#include <cstddef>
#include <vector>

namespace ekya::profile {

/// Which of several trials train on: all a little, then the better half a little more, and so on
/// (successive halving; Jamieson and Talwalkar, AISTATS 2016). A trial that is dropped keeps what
/// it has told; one that trains on goes on where it stopped.
class SuccessiveHalving {
 public:
  /// At most `rungs` rounds; none where there is no trial.
  SuccessiveHalving(std::size_t trials, int rungs);

  /// The trials of the next rung, by number, the best first; empty: it is over. The last one left
  /// trains on for as many rungs as there are.
  const std::vector<std::size_t>& Next() const { return alive_; }

  /// What the rung's trials came to, in the order of Next: the more, the better. One that is not a
  /// number (a trial that failed) comes last.
  void EndRung(const std::vector<double>& values);

 private:
  std::vector<std::size_t> alive_;
  int rungs_left_;
};

}  // namespace ekya::profile
