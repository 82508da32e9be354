#include "platform/resources/internal/token_bucket.h"

#include <algorithm>
#include <limits>

namespace ekya::resources {

void TokenBucket::SetRate(double now, double cores) {
  Earn(now);
  cores_ = cores;
}

void TokenBucket::Charge(double now, double processor_seconds) {
  Earn(now);
  balance_ -= processor_seconds;
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
