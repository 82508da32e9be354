#include "run/workers/event_timeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ekya::workers {

using window::Event;

void EventTimeline::Post(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (event.kind == Event::Kind::kStop) {
      events_.push_front(std::move(event));
    } else {
      events_.push_back(std::move(event));
    }
  }
  posted_.notify_one();
}

std::optional<Event> EventTimeline::WaitForEvent(double until) {
  std::unique_lock lock(mutex_);
  while (events_.empty()) {
    const double left = until - Now();
    if (!(left > 0)) return std::nullopt;
    // In steps of an hour at most: a longer wait could overflow the clock's own type.
    posted_.wait_for(lock, std::chrono::duration<double>(std::min(left, 3600.0)));
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace ekya::workers
