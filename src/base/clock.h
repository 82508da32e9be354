#pragma once

namespace ekya {

/// Where every module takes its time from, so that tests and the simulator own it.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since an arbitrary start; never goes back. Any thread.
  virtual double Now() const = 0;
  /// Returns at `time` or later; at once when `time` has passed. Any thread.
  virtual void SleepUntil(double time) = 0;
};

/// The machine's monotonic clock. Lives as long as the process.
Clock& MonotonicClock();

/// A clock that moves only when told. One thread.
class VirtualClock : public Clock {
 public:
  double Now() const override { return now_; }
  void SleepUntil(double time) override {
    if (time > now_) now_ = time;
  }

 private:
  double now_ = 0;
};

/// Seconds since the Unix epoch: for events and file names, never for durations.
double EpochSeconds();

/// Processor seconds that the calling thread has used.
double ThreadCpuSeconds();

}  // namespace ekya
