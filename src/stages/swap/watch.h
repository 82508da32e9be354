#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "stages/swap/gate.h"

namespace ekya::swap {

/// Looks after a promoted version: is it worse than the one before it after all? It is told of the
/// labelled samples of the time since, on which both were measured, as they come, and may be asked
/// after each: the evidence is a bet on the previous version that a fair game multiplies by 20 with
/// probability 1/20 at most, however often one looks (Ville's inequality; Waudby-Smith and Ramdas,
/// JRSS B 2024). One thread.
class Watch {
 public:
  /// `level`: the probability that a version that is no worse is ever rolled back.
  explicit Watch(double level = 0.05);

  /// `version` serves in the place of `previous` (0: there is none, nothing is watched) from now
  /// on.
  void Promoted(std::int64_t version, std::int64_t previous);
  std::int64_t version() const { return version_; }    ///< That is watched; 0: none.
  std::int64_t previous() const { return previous_; }  ///< To measure beside it.

  struct Verdict {
    bool roll_back = false;  ///< To `previous`.
    bool settled = false;    ///< Surely better: there is nothing more to watch.
    std::string reason;      ///< As of the gate, with the evidence.
    double evidence = 1;     ///< That the promoted one is worse: 1 is none, 20 is p < 0.05.
    int samples = 0;         ///< Since the promotion.
  };
  /// More samples, in order of time: `served` of the promoted version, `candidate` of the previous
  /// one. Of pictures with several objects one sample each, their mean: objects of one picture are
  /// not independent. Samples of another version than the watched one are passed over.
  Verdict Add(std::int64_t version, const PairedOutcomes& outcomes);

 private:
  static constexpr std::array<double, 4> kStakes = {0.05, 0.15, 0.35, 0.7};

  const double level_;
  std::int64_t version_ = 0;
  std::int64_t previous_ = 0;
  // What each stake has become, as a logarithm: on the previous version, and on the promoted one.
  std::array<double, kStakes.size()> on_previous_{};
  std::array<double, kStakes.size()> on_promoted_{};
  int samples_ = 0;
  double served_ = 0;
  double before_ = 0;
};

}  // namespace ekya::swap
