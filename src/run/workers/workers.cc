#include "run/workers/workers.h"

#include <fmt/format.h>

#include <utility>

namespace ekya::workers {

LearningPool::LearningPool(Workers& workers, std::size_t idle, WorkerHooks hooks)
    : workers_(workers), most_idle_(idle), hooks_(std::move(hooks)) {
  Give(Take());
}

std::unique_ptr<LearningService> LearningPool::Take() {
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
    name = fmt::format("retraining-{}", made_++);
  }
  return workers_.MakeLearning(name, hooks_);
}

void LearningPool::Give(std::unique_ptr<LearningService> worker) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < most_idle_) idle_.push_back(std::move(worker));
}

}  // namespace ekya::workers
