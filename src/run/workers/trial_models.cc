#include "run/workers/trial_models.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ekya::workers {

void TrialModels::Keep(const std::string& stream, profile::Trial trial, int epochs,
                       std::unique_ptr<models::LearningModel> model) {
  std::lock_guard lock(mutex_);
  kept_.push_back({stream, std::move(trial), epochs, std::move(model)});
}

std::optional<TrialModels::Start> TrialModels::Take(const std::string& stream,
                                                    const RetrainingConfiguration& configuration) {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.stream == stream && profile::SpeaksFor(kept.trial, configuration);
  });
  if (found == kept_.end()) return std::nullopt;
  const double left = profile::EpochsLeft(configuration, found->trial, found->epochs);
  Start start{std::move(found->model), static_cast<int>(std::ceil(left - 1e-9))};
  kept_.erase(found);
  return start;
}

void TrialModels::Clear() {
  std::lock_guard lock(mutex_);
  kept_.clear();
}

}  // namespace ekya::workers
