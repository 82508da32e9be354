#include "base/clock.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ctime>

namespace ekya {
namespace {

double Read(clockid_t id) {
  timespec value{};
  clock_gettime(id, &value);
  return static_cast<double>(value.tv_sec) + 1e-9 * static_cast<double>(value.tv_nsec);
}

class Monotonic : public Clock {
 public:
  double Now() const override { return Read(CLOCK_MONOTONIC); }
  void SleepUntil(double time) override {
    // Also NaN and times before the clock's start, which the system call refuses for ever.
    if (!(time > Now())) return;
    time = std::min(time, 1e9);  // A clock that started 30 years ago.
    timespec until{};
    until.tv_sec = static_cast<time_t>(std::floor(time));
    until.tv_nsec = static_cast<long>((time - std::floor(time)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
  }
};

}  // namespace

Clock& MonotonicClock() {
  static Monotonic clock;
  return clock;
}

double EpochSeconds() { return Read(CLOCK_REALTIME); }
double ThreadCpuSeconds() { return Read(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace ekya
