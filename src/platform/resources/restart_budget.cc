#include "platform/resources/restart_budget.h"

#include <algorithm>

namespace ekya::resources {

double RestartBudget::Ended(double now) {
  if (now - started_ >= limits_.quiet_seconds) {
    restarts_.clear();
    wait_ = 0;
    ends_ = 0;
  }
  ++ends_;
  while (!restarts_.empty() && restarts_.front() <= now - limits_.within_seconds) {
    restarts_.pop_front();
  }
  // Once waiting has begun it goes on until a quiet stretch: long waits leave few restarts within
  // the time looked at, and counting alone would take that for health.
  if (wait_ == 0 && static_cast<int>(restarts_.size()) < limits_.restarts) {
    restarts_.push_back(now);
  } else {
    wait_ = wait_ == 0 ? limits_.first_wait : std::min(2 * wait_, limits_.longest_wait);
  }
  started_ = now + wait_;
  return started_;
}

}  // namespace ekya::resources
