#pragma once

#include <deque>

namespace ekya::resources {

/// When a process that has ended may be started again: at once for a number of times, then after
/// waits that double, so that one which cannot live does not take the box from those that can. A
/// process that lives quietly for a while has all its restarts again. Values only: the caller
/// brings the time, in seconds of a clock that does not go back. One thread.
class RestartBudget {
 public:
  struct Limits {
    int restarts = 5;  ///< Immediate ones, within `within_seconds`.
    double within_seconds = 60;
    double first_wait = 1;  ///< Seconds, once they are used up; doubles with each end.
    double longest_wait = 60;
    double quiet_seconds = 60;  ///< Without an end: all is forgiven.
  };

  RestartBudget() = default;
  explicit RestartBudget(const Limits& limits) : limits_(limits) {}

  /// The process ended at `now`; returns the time from which on it may be started, `now` or later.
  /// The caller starts it then.
  double Ended(double now);
  /// Whether the last end cost a wait: the process cannot live, which is worth an event.
  bool backing_off() const { return wait_ > 0; }
  /// Ends since the last quiet stretch.
  int ends() const { return ends_; }

 private:
  Limits limits_;
  std::deque<double> restarts_;  // The immediate ones of the last within_seconds.
  double started_ = -1e300;      // From when on the process was, or will be, let live.
  double wait_ = 0;              // The last one; 0: it was started at once.
  int ends_ = 0;
};

}  // namespace ekya::resources
