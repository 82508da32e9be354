#include "platform/resources/internal/token_bucket.h"

#include <algorithm>
#include <limits>

namespace ekya::resources {

void TokenBucket::SetRate(double now, double cores) {
  Earn(now);
  cores_ = cores;
}

void TokenBucket::Charge(double now, double processor_seconds) {
  // What is earned while it computes is not saved up but spent at once, however long that takes:
  // only what it earned idle is bounded.
  const double computing = std::min(processor_seconds, std::max(0.0, now - settled_));
  Earn(now - computing);
  balance_ += cores_ * computing - processor_seconds;
  settled_ = std::max(settled_, now);
}

double TokenBucket::WaitSeconds(double now) const {
  if (cores_ <= 0) return std::numeric_limits<double>::infinity();
  const double earned = cores_ * std::max(0.0, now - settled_);
  return std::max(0.0, -(balance_ + earned) / cores_);
}

void TokenBucket::Earn(double now) {
  balance_ = std::min(balance_ + cores_ * std::max(0.0, now - settled_), cores_ * kPeriodSeconds);
  settled_ = std::max(settled_, now);
}

}  // namespace ekya::resources
