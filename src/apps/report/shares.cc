#include "apps/report/shares.h"

#include <algorithm>

namespace ekya::report {

using window::Decision;
using window::RunRecord;
using window::WindowRecord;

std::vector<DecidedShare> DecidedShares(const RunRecord& run) {
  std::vector<DecidedShare> shares;
  const double quanta = std::max(1, run.quanta_per_device);
  for (const WindowRecord& window : run.windows) {
    for (std::size_t i = 0; i < window.decisions.size(); ++i) {
      const Decision& decision = window.decisions[i];
      const double end = i + 1 < window.decisions.size() ? window.decisions[i + 1].time_seconds
                                                         : window.end_seconds;
      if (decision.schedule.timeline.empty()) continue;
      for (const Allocation& job : decision.schedule.timeline.front().jobs) {
        shares.push_back({job.stream, decision.time_seconds, std::max(decision.time_seconds, end),
                          job.inference_quanta / quanta, job.retraining_quanta / quanta});
      }
    }
  }
  return shares;
}

const StreamSituation* SituationOf(const Situation& situation, const std::string& stream) {
  for (const StreamSituation& candidate : situation.streams) {
    if (candidate.id == stream) return &candidate;
  }
  return nullptr;
}

std::optional<double> SituationAccuracy(const Situation& situation, const std::string& stream) {
  const StreamSituation* const found = SituationOf(situation, stream);
  return found == nullptr ? std::nullopt : std::optional<double>(found->accuracy);
}

std::string ExplanationOf(const Schedule& schedule, const std::string& stream) {
  for (const Explanation& explanation : schedule.explanations) {
    if (explanation.stream == stream) return explanation.text;
  }
  return "";
}

}  // namespace ekya::report
