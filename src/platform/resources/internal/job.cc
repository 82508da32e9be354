#include "platform/resources/internal/job.h"

#include <fmt/format.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "platform/resources/internal/token_bucket.h"

namespace ekya::resources {

/// What a job and the threads that joined it share; it lives until the last of them has let go,
/// since a thread may end after its job.
struct JobThreads {
  struct Member {
    pid_t thread = 0;
    clockid_t clock = 0;   // Its processor time, readable from other threads while it lives.
    double joined_at = 0;  // Its processor seconds then.
    double charged = 0;    // Up to which processor second it has paid. Pacing only.
    cpu_set_t before{};    // Where it might run before it joined.
  };

  explicit JobThreads(bool is_paced) : paced(is_paced) {}

  /// The caller, or null where it has not joined. With `mutex` held.
  Member* Find(pid_t thread) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const Member& member) { return member.thread == thread; });
    return found == members.end() ? nullptr : &*found;
  }

  /// The calling thread ends or joins another job.
  void Leave() {
    std::lock_guard lock(mutex);
    const Member* member = Find(::gettid());
    if (member == nullptr) return;  // The job is gone and has let everybody go.
    ended_seconds += ThreadCpuSeconds() - member->joined_at;
    ::sched_setaffinity(0, sizeof member->before, &member->before);
    members.erase(members.begin() + (member - members.data()));
  }

  const bool paced;

  // Written with `mutex` held, so that nobody who is about to wait misses the change; read without
  // it, so that a thread whose quota is used up is never stopped holding it.
  std::atomic<double> cores = 0;
  std::atomic<bool> released = false;

  std::mutex mutex;
  std::condition_variable changed;  // cores or released.
  // Guarded by mutex:
  std::vector<Member> members;
  double ended_seconds = 0;  // Used by threads that have left.
  int core = -1;
  TokenBucket bucket;
};

namespace {

double Read(clockid_t clock) {
  timespec value{};
  if (::clock_gettime(clock, &value) != 0) return 0;
  return static_cast<double>(value.tv_sec) + 1e-9 * static_cast<double>(value.tv_nsec);
}

/// The calling thread's job; leaves it when the thread ends.
class Membership {
 public:
  ~Membership() { Change(nullptr); }
  void Change(std::shared_ptr<JobThreads> next) {
    if (threads_) threads_->Leave();
    threads_ = std::move(next);
  }

 private:
  std::shared_ptr<JobThreads> threads_;
};
thread_local Membership t_membership;

/// The `index`-th of the processors in `allowed`.
cpu_set_t NthOf(const cpu_set_t& allowed, int index) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &allowed) && index-- == 0) CPU_SET(processor, &one);
  }
  return one;
}

}  // namespace

Job::Job(std::string name, cpu_set_t allowed, std::unique_ptr<CgroupJob> group)
    : name_(std::move(name)),
      allowed_(allowed),
      group_(std::move(group)),
      threads_(std::make_shared<JobThreads>(group_ == nullptr)) {}

Job::~Job() {
  Release();
  std::lock_guard lock(threads_->mutex);
  for (const JobThreads::Member& member : threads_->members) {
    ::sched_setaffinity(member.thread, sizeof member.before, &member.before);
  }
  threads_->members.clear();
}

Status Job::Set(double cores, int core) {
  const int processors = CPU_COUNT(&allowed_);
  // Shares are sums of quanta: a rounding error is no mistake of the caller.
  if (!(cores >= 0 && cores <= processors + 1e-6)) {
    return Error{ErrorCode::kInvalid, fmt::format("share of job \"{}\": found {} cores, expected 0 "
                                                  "to {}",
                                                  name_, cores, processors)};
  }
  if (core < -1 || core >= processors) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("processor of job \"{}\": found {}, expected 0 to "
                             "{}, or -1 for any",
                             name_, core, processors - 1)};
  }
  std::lock_guard setting(setting_);
  if (group_ && cores > 0 && !threads_->released) EKYA_RETURN_IF_ERROR(group_->Limit(cores));
  std::lock_guard lock(threads_->mutex);
  if (threads_->core != core) {
    threads_->core = core;
    for (const JobThreads::Member& member : threads_->members) {
      const cpu_set_t set = core < 0 ? member.before : NthOf(allowed_, core);
      if (::sched_setaffinity(member.thread, sizeof set, &set) != 0) {
        Log(LogLevel::kDebug, name_, "cannot stay on processor {}: {}", core, std::strerror(errno));
      }
    }
  }
  const double now = MonotonicClock().Now();
  if (threads_->paced) {
    // Up to here at the old rate, also within a minibatch.
    for (JobThreads::Member& member : threads_->members) {
      const double used = Read(member.clock);
      if (used <= member.charged) continue;
      threads_->bucket.Charge(now, used - member.charged);
      member.charged = used;
    }
  }
  threads_->bucket.SetRate(now, cores);
  threads_->cores = cores;
  threads_->changed.notify_all();
  return {};
}

Status Job::Join() {
  JobThreads::Member member;
  member.thread = ::gettid();
  if (const int number = ::pthread_getcpuclockid(::pthread_self(), &member.clock); number != 0) {
    return Error{ErrorCode::kFailed,
                 fmt::format("job \"{}\": a thread's processor clock cannot be read: {}", name_,
                             std::strerror(number))};
  }
  t_membership.Change(nullptr);
  if (group_) {
    const Status attached = group_->Attach(member.thread);
    if (!attached.ok()) return attached.error().Within(fmt::format("job \"{}\"", name_));
  }
  ::sched_getaffinity(0, sizeof member.before, &member.before);
  member.joined_at = member.charged = ThreadCpuSeconds();
  {
    std::lock_guard lock(threads_->mutex);
    if (threads_->core >= 0) {
      const cpu_set_t set = NthOf(allowed_, threads_->core);
      if (::sched_setaffinity(0, sizeof set, &set) != 0) {
        Log(LogLevel::kDebug, name_, "cannot stay on processor {}: {}", threads_->core,
            std::strerror(errno));
      }
    }
    threads_->members.push_back(member);
  }
  t_membership.Change(threads_);
  return {};
}

bool Job::Checkpoint() {
  JobThreads& threads = *threads_;
  if (threads.released) return false;
  if (!threads.paced && threads.cores > 0) return true;

  std::unique_lock lock(threads.mutex);
  if (threads.paced) {
    JobThreads::Member* member = threads.Find(::gettid());
    EKYA_CHECK(member != nullptr, "Checkpoint is for threads that joined the job");
    const double used = ThreadCpuSeconds();
    threads.bucket.Charge(MonotonicClock().Now(), used - member->charged);
    member->charged = used;
  }
  while (!threads.released) {
    if (threads.cores <= 0) {
      threads.changed.wait(lock);
      continue;
    }
    if (!threads.paced) return true;
    const double wait = threads.bucket.WaitSeconds(MonotonicClock().Now());
    if (wait <= 0) return true;
    // A long wait is cut: a duration of years overflows the clock's.
    threads.changed.wait_for(lock, std::chrono::duration<double>(std::min(wait, 60.0)));
  }
  return false;
}

void Job::Release() {
  std::lock_guard setting(setting_);
  {
    std::lock_guard lock(threads_->mutex);
    if (threads_->released) return;
    threads_->released = true;
    threads_->changed.notify_all();
  }
  if (!group_) return;
  // What is left to do is the way to the next Checkpoint; on a thousandth of a core it might take
  // longer than anybody waits.
  const Status lifted = group_->Limit(1);
  if (!lifted.ok()) Log(LogLevel::kDebug, name_, "{}", lifted.error().message);
}

double Job::CpuSeconds() const {
  std::lock_guard lock(threads_->mutex);
  double seconds = threads_->ended_seconds;
  for (const JobThreads::Member& member : threads_->members) {
    seconds += std::max(0.0, Read(member.clock) - member.joined_at);
  }
  return seconds;
}

double Job::cores() const { return threads_->cores; }

}  // namespace ekya::resources
