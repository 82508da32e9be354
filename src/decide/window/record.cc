#include "decide/window/record.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ekya::window {
namespace {

std::size_t StreamDecisions(const WindowRecord& window) {
  std::size_t count = 0;
  for (const Decision& decision : window.decisions) count += decision.situation.streams.size();
  return count;
}

void SumUp(const WindowRecord& window, EarlierWindows* earlier) {
  ++earlier->windows;
  earlier->until_seconds = window.end_seconds;
  for (const RetrainingRecord& retraining : window.retrainings) {
    ++earlier->retrainings[retraining.stream];
  }
  earlier->warnings += static_cast<int>(window.warnings.size());
}

}  // namespace

void Keep(WindowRecord window, std::vector<SwapRecord> swaps, RunRecord* run,
          const RecordLimits& limits) {
  run->windows.push_back(std::move(window));
  std::move(swaps.begin(), swaps.end(), std::back_inserter(run->swaps));
  std::size_t decisions = 0;
  for (const WindowRecord& each : run->windows) decisions += StreamDecisions(each);
  auto oldest = run->windows.begin();
  while (std::next(oldest) != run->windows.end()) {
    const auto count = static_cast<std::size_t>(run->windows.end() - oldest);
    if (count <= limits.windows && decisions <= limits.stream_decisions) break;
    decisions -= StreamDecisions(*oldest);
    SumUp(*oldest, &run->earlier);
    ++oldest;
  }
  if (oldest == run->windows.begin()) return;
  run->windows.erase(run->windows.begin(), oldest);
  std::erase_if(run->swaps, [run](const SwapRecord& swap) {
    if (swap.time_seconds > run->earlier.until_seconds) return false;
    ++run->earlier.swaps[swap.stream];
    return true;
  });
}

void Warn(std::string warning, RunRecord* run, const RecordLimits& limits) {
  run->warnings.push_back(std::move(warning));
  if (run->warnings.size() <= limits.warnings) return;
  run->warnings.erase(run->warnings.begin());
  ++run->earlier.warnings;
}

}  // namespace ekya::window
