#pragma once

#include <string>

#include "base/result.h"

namespace ekya::swap {

/// Decides whether a retrained model replaces the served one.
struct GateResult {
  bool promote = false;
  std::string reason;  ///< With both accuracies and the number of samples.
};

/// Both models were measured on the same `samples` held-out samples (labelled, later than what the
/// candidate trained on). Promotes unless the candidate is worse by more than one standard error of
/// the difference: a draw goes to the model that has seen the newer world. Zero samples: promotes.
GateResult Judge(double served_accuracy, double candidate_accuracy, int samples);

}  // namespace ekya::swap
