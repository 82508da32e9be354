#include "run/workers/trial_models.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ekya::workers {

void TrialModels::Keep(Kept kept) {
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(kept));
}

std::optional<TrialModels::Start> TrialModels::Take(const std::string& stream,
                                                    const RetrainingConfiguration& configuration) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.stream == stream && profile::SpeaksFor(kept.trial, configuration);
  });
  if (found == kept_.end()) return std::nullopt;
  const double left = profile::EpochsLeft(configuration, found->trial,
                                          static_cast<int>(found->result.accuracy.size()));
  Start start{std::move(found->weights), static_cast<int>(std::ceil(left - 1e-9))};
  kept_.erase(found);
  return start;
}

std::optional<TrialModels::Kept> TrialModels::Resume(const std::string& stream,
                                                     const profile::Trial& trial) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.stream == stream && kept.trial.configuration.id == trial.configuration.id;
  });
  if (found == kept_.end()) return std::nullopt;
  Kept kept = std::move(*found);
  kept_.erase(found);
  return kept;
}

void TrialModels::Clear() {
  const std::lock_guard lock(mutex_);
  std::error_code failed;
  for (const Kept& kept : kept_) std::filesystem::remove(kept.weights, failed);
  kept_.clear();
}

}  // namespace ekya::workers
