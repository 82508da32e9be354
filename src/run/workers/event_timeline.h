#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "decide/window/ports.h"

namespace ekya::workers {

/// The timeline of a live run: a queue that workers post events into and the conductor waits on.
class EventTimeline : public window::Timeline {
 public:
  /// Time 0 of the run is `origin` on `clock`, which must run by itself at the pace of real time
  /// (not a VirtualClock) and outlive this.
  EventTimeline(const Clock& clock, double origin) : clock_(clock), origin_(origin) {}

  /// Any thread; never blocks for long.
  void Post(window::Event event);

  /// Any thread.
  double Now() const override { return clock_.Now() - origin_; }
  /// Events in the order they were posted, but a kStop before all others. One thread at a time.
  std::optional<window::Event> WaitForEvent(double until) override;

 private:
  const Clock& clock_;
  const double origin_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<window::Event> events_;  // Guarded by mutex_.
};

}  // namespace ekya::workers
