#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ekya::learning {

/// Seconds of the same work by several parties, measured in turns: what disturbs one disturbs all.
class PairedTimes {
 public:
  /// `seconds` of `party` in the turn that is its next.
  void Add(const std::string& party, double seconds);
  /// The median over turns of `slow`'s seconds by `fast`'s; 0 where one of them has none.
  double Ratio(const std::string& slow, const std::string& fast) const;
  /// The median of the party's seconds; 0 where it has none.
  double Median(const std::string& party) const;
  /// Every party with its seconds by turn, in order of first appearance.
  const std::vector<std::pair<std::string, std::vector<double>>>& parties() const {
    return parties_;
  }

 private:
  const std::vector<double>* Of(const std::string& party) const;

  std::vector<std::pair<std::string, std::vector<double>>> parties_;
};

}  // namespace ekya::learning
