#include "stages/swap/gate.h"

#include <fmt/format.h>

#include <cmath>

namespace ekya::swap {
namespace {

/// Of an accuracy measured on `samples`; half a sample of either outcome added, or a model that was
/// right (or wrong) every time would seem certain.
double Variance(double accuracy, int samples) {
  const double count = samples + 1.0;
  const double smooth = (accuracy * samples + 0.5) / count;
  return smooth * (1 - smooth) / count;
}

}  // namespace

GateResult Judge(double served_accuracy, double candidate_accuracy, int samples) {
  if (!std::isfinite(candidate_accuracy)) {
    return {false,
            fmt::format("candidate's accuracy is {}: kept the served model", candidate_accuracy)};
  }
  if (samples <= 0) {
    return {true,
            fmt::format("no held-out sample to compare on: took the candidate, which has seen "
                        "the newer world")};
  }
  const auto compared = fmt::format("candidate {:.3f} against served {:.3f} on {} held-out samples",
                                    candidate_accuracy, served_accuracy, samples);
  if (!std::isfinite(served_accuracy)) return {true, compared};
  const double error =
      std::sqrt(Variance(served_accuracy, samples) + Variance(candidate_accuracy, samples));
  const bool promote = candidate_accuracy >= served_accuracy - error;
  return {promote, fmt::format("{}: {} (one standard error is {:.3f})", compared,
                               candidate_accuracy >= served_accuracy ? "not worse"
                               : promote                             ? "within the error"
                                                                     : "worse",
                               error)};
}

}  // namespace ekya::swap
