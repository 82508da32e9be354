#include "run/processes/call_limit.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace ekya::processes {

/// All limits of this process and the thread that keeps them.
class CallLimits {
 public:
  static CallLimits& Of() {
    static CallLimits limits;
    return limits;
  }

  void Add(CallLimit* limit) {
    const std::lock_guard lock(mutex_);
    limits_.push_back(limit);
    // The thread sleeps until the first of them.
    if (limit->until_ < next_) changed_.notify_one();
  }
  void Remove(CallLimit* limit) {
    const std::lock_guard lock(mutex_);
    std::erase(limits_, limit);
  }
  bool Reached(const CallLimit& limit) {
    const std::lock_guard lock(mutex_);
    return limit.reached_;
  }

 private:
  CallLimits() : thread_([this] { Run(); }) {}
  ~CallLimits() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void Run() {
    pthread_setname_np(pthread_self(), "call limits");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const double now = MonotonicClock().Now();
      next_ = std::numeric_limits<double>::infinity();
      for (CallLimit* limit : limits_) {
        if (limit->reached_) continue;
        if (limit->until_ <= now) {
          limit->reached_ = true;
          limit->context_->TryCancel();
        } else {
          next_ = std::min(next_, limit->until_);
        }
      }
      // By the monotonic clock, unlike gRPC.
      changed_.wait_for(lock, std::chrono::duration<double>(std::min(next_ - now, 3600.0)));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopping_ = false;
  double next_ = 0;  // When the thread looks again.
  std::vector<CallLimit*> limits_;

  std::thread thread_;  // last: begins with everything else in place
};

CallLimit::CallLimit(grpc::ClientContext* context, double seconds)
    : context_(context), until_(seconds > 0 ? MonotonicClock().Now() + seconds : 0) {
  if (until_ > 0) CallLimits::Of().Add(this);
}

CallLimit::~CallLimit() {
  if (until_ > 0) CallLimits::Of().Remove(this);
}

bool CallLimit::reached() const { return until_ > 0 && CallLimits::Of().Reached(*this); }

}  // namespace ekya::processes
