// Preloaded into a program (LD_PRELOAD), lets the system's clock jump for it alone: CLOCK_REALTIME
// is ahead by the nanoseconds, a native 64 bit integer, that EKYA_CLOCK_OFFSET_FILE holds at the
// moment. What waits for a moment of that clock waits for the jumped one, also where it jumps
// during the wait, as the kernel has it; the monotonic clock stays true. Times of files do too.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// So long a wait goes on before it looks at the clock again.
constexpr std::int64_t kSlice = 20'000'000;
constexpr std::int64_t kForEver = 1LL << 62;

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

const std::atomic<std::int64_t>* MapOffset() {
  static const std::atomic<std::int64_t> none{0};
  const char* const path = std::getenv("EKYA_CLOCK_OFFSET_FILE");
  if (path == nullptr) return &none;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &none;
  void* const page = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return page == MAP_FAILED ? &none : static_cast<const std::atomic<std::int64_t>*>(page);
}

std::int64_t Offset() {
  static const std::atomic<std::int64_t>* const offset = MapOffset();
  return offset->load(std::memory_order_relaxed);
}

std::int64_t Nanoseconds(const timespec& time) {
  if (time.tv_sec > kForEver / kSecond) return kForEver;
  return static_cast<std::int64_t>(time.tv_sec) * kSecond + time.tv_nsec;
}

timespec TimeOf(std::int64_t nanoseconds) {
  timespec time{};
  time.tv_sec = nanoseconds / kSecond;
  time.tv_nsec = nanoseconds % kSecond;
  return time;
}

int TrueTime(clockid_t clock, timespec* time) {
  static const auto next = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  return next(clock, time);
}

std::int64_t TrueNow(clockid_t clock) {
  timespec time{};
  TrueTime(clock, &time);
  return Nanoseconds(time);
}

std::int64_t JumpedNow() { return TrueNow(CLOCK_REALTIME) + Offset(); }

/// When, by the monotonic clock, to look again for whether `until` has come by the jumped one;
/// `last`: it comes before that.
timespec EndOfSlice(const timespec& until, bool* last) {
  const std::int64_t left = std::max<std::int64_t>(0, Nanoseconds(until) - JumpedNow());
  *last = left <= kSlice;
  return TimeOf(TrueNow(CLOCK_MONOTONIC) + std::min(left, kSlice));
}

}  // namespace

// The system names their parameters otherwise.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp)
extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  const int failed = TrueTime(clock, time);
  if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *time = TimeOf(Nanoseconds(*time) + Offset());
  }
  return failed;
}

int gettimeofday(timeval* time, void*) {
  const std::int64_t now = JumpedNow();
  time->tv_sec = now / kSecond;
  time->tv_usec = now % kSecond / 1000;
  return 0;
}

time_t time(time_t* time) {
  const time_t now = JumpedNow() / kSecond;
  if (time != nullptr) *time = now;
  return now;
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const auto next = Next<Wait>("pthread_cond_clockwait");
  // Where glibc keeps which clock a condition waits by.
  const bool monotonic = (condition->__data.__wrefs & 2) != 0;
  if (monotonic) return next(condition, mutex, CLOCK_MONOTONIC, until);
  while (true) {
    bool last = false;
    const timespec slice = EndOfSlice(*until, &last);
    const int ended = next(condition, mutex, CLOCK_MONOTONIC, &slice);
    if (ended != ETIMEDOUT || last) return ended;
  }
}

// Abseil, and with it gRPC, waits by futexes of its own.
long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long argument[6];
  for (long& each : argument) each = va_arg(list, long);
  va_end(list);
  static const auto next = Next<long (*)(long, ...)>("syscall");
  const auto call = [&](long command, const void* until) {
    return next(number, argument[0], command, argument[2], until, argument[4], argument[5]);
  };
  const auto* const until = reinterpret_cast<const timespec*>(argument[3]);
  constexpr long kByClock = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
  if (number != SYS_futex || until == nullptr || (argument[1] & ~FUTEX_PRIVATE_FLAG) != kByClock) {
    return call(argument[1], until);
  }
  while (true) {
    bool last = false;
    const timespec slice = EndOfSlice(*until, &last);
    const long ended = call(argument[1] & ~FUTEX_CLOCK_REALTIME, &slice);
    if (ended == 0 || errno != ETIMEDOUT || last) return ended;
  }
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name,cert-dcl50-cpp)
