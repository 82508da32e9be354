#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/window/record.h"

namespace ekya::report {

/// What the decisions gave one stream from one decision to the next, in whole devices.
struct DecidedShare {
  std::string stream;
  double from_seconds = 0;
  double to_seconds = 0;
  double inference = 0;
  double retraining = 0;
};

/// The first segment of every decision, which is what is applied, until the next decision or the
/// window's end. In order of time, then of the decisions' streams.
std::vector<DecidedShare> DecidedShares(const window::RunRecord& run);

/// The stream as the policy was told; null where it was not asked about it.
const StreamSituation* SituationOf(const Situation& situation, const std::string& stream);

/// The accuracy of the stream's served model as the policy was told; absent where it was not asked.
std::optional<double> SituationAccuracy(const Situation& situation, const std::string& stream);

/// Why the schedule gives the stream what it gives; empty where it does not say.
std::string ExplanationOf(const Schedule& schedule, const std::string& stream);

}  // namespace ekya::report
