#pragma once

#include <cstdint>
#include <vector>

#include "decide/schedule/estimate.h"

namespace ekya::schedule {

/// One retraining of a plan.
struct PlannedRetraining {
  int stream = 0;
  int retraining = 0;  ///< Index in `StreamChoices::retrainings`.
};

/// A plan for the window: retrainings in order of precedence. In each stretch between two
/// completions `quanta[i]` quanta retrain, the first in the order with as many as it may have, then
/// the next; inference has the others.
struct Plan {
  std::vector<PlannedRetraining> order;
  std::vector<Quanta> quanta;  ///< By completions so far; empty: as the fluid's rule says.
  /// Most that one retraining gets; 0: a device. Less is better where small shares do more work per
  /// quantum.
  Quanta most = 0;

  Quanta Most(Quanta per_device) const { return most > 0 ? most : per_device; }
};

/// Values plans in microseconds: inference is taken at the concave hull of its levels (so that the
/// best allocation is greedy), and placement is left out.
class Fluid {
 public:
  /// `problem` outlives the fluid.
  explicit Fluid(const Problem& problem);

  /// Sum over streams of accuracy times seconds. Where the plan does not say how many quanta
  /// retrain, those that lose least per work done: with G the rate of gain, the stretch that does
  /// work w with K quanta takes w / K, and all that follows waits for it, which costs (G at the end
  /// - G now with the other quanta) a second; K minimises the product. With one retraining at a
  /// time that is optimal for the order. `used`, if given, receives the quanta of each stretch.
  double Value(const Plan& plan, std::vector<Quanta>* used = nullptr);

  /// Steps done so far: what a search may spend is counted in these, never in time.
  std::int64_t steps() const { return steps_; }

 private:
  struct Increment {
    double slope = 0;  ///< Worth per second and quantum.
    Quanta quanta = 0;
    int stream = 0;
  };
  /// What one stream's inference gives at one accuracy: a start that must be had, then increments
  /// by falling slope.
  struct Hull {
    double worth = 0;
    Quanta quanta = 0;
    std::vector<Increment> increments;
  };

  Hull MakeHull(int stream, double accuracy) const;
  const Hull& HullAfter(const PlannedRetraining& job) const {
    return after_[job.stream][job.retraining];
  }
  /// Replaces `from`, the hull of its stream, by `to` in the sorted increments.
  void Exchange(const Hull& from, const Hull& to, int stream);
  /// Worth per second of `quanta` shared best.
  double Rate(Quanta quanta) const;
  Quanta BestQuanta(double rate_at_end, Quanta most) const;
  /// Worth per second once every retraining of `order` is done and all quanta serve.
  double RateAtEnd(const std::vector<PlannedRetraining>& order);

  const Problem& problem_;
  std::vector<Hull> before_;              ///< By stream.
  std::vector<std::vector<Hull>> after_;  ///< By stream and retraining.
  std::vector<Increment> start_;          ///< All streams' `before_`, by falling slope.
  double start_worth_ = 0;
  Quanta start_quanta_ = 0;

  // The state of one valuation.
  std::vector<Increment> increments_;
  std::vector<Increment> scratch_;
  double worth_ = 0;
  Quanta quanta_ = 0;
  std::vector<double> work_;
  std::int64_t steps_ = 0;

  // The last rate at an end, which only the set of retrainings decides.
  std::vector<int> end_set_;  ///< By stream: the retraining, -1 for none.
  std::vector<int> end_asked_;
  double rate_at_end_ = 0;
};

}  // namespace ekya::schedule
