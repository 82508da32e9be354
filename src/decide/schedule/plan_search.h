#pragma once

#include <cstdint>
#include <vector>

#include "decide/schedule/estimate.h"
#include "decide/schedule/fluid.h"

namespace ekya::schedule {

/// Local search over plans by their fluid value. Deterministic: effort is counted in steps.
class PlanSearch {
 public:
  /// `problem` outlives the search. `most_steps` bounds each Improve.
  PlanSearch(const Problem& problem, std::int64_t most_steps);

  /// The best plan that insertions, changes of configuration or stream, removals and moves lead to
  /// from `order`, with the quanta of each stretch tuned.
  /// `most`: what one retraining gets at most, 0: a device.
  Plan Improve(std::vector<PlannedRetraining> order, Quanta most = 0);

 private:
  std::vector<int> Candidates(int stream) const;
  /// The work that a retraining of the plan needs, in device seconds.
  double Work(const PlannedRetraining& job) const;
  double Density(const PlannedRetraining& job) const;
  /// Whether the plan as it stands is worth more than `value_`, which then rises.
  bool Better();
  bool Exhausted() const { return fluid_.steps() > last_step_; }

  bool InsertBest();
  bool InsertEach();
  bool Change();
  bool Move();
  void Tune();
  /// Looks for the stream's best insertion that beats `*value`.
  bool FindInsertion(int stream, double* value, PlannedRetraining* job, std::size_t* place);

  const Problem& problem_;
  const std::int64_t most_steps_;
  Fluid fluid_;
  std::int64_t last_step_ = 0;
  Plan plan_;
  std::vector<char> planned_;  ///< By stream.
  double value_ = 0;
};

}  // namespace ekya::schedule
