#include "base/clock.h"

#include <time.h>

#include <cmath>

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
    timespec until{};
    until.tv_sec = static_cast<time_t>(std::floor(time));
    until.tv_nsec = static_cast<long>((time - std::floor(time)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) != 0) {
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
