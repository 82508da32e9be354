#include "platform/registry/reaper.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"

namespace ekya::registry {

namespace {

std::uint64_t FreeBytes(const DiskBudget& budget, const ReaperOptions& options) {
  std::error_code code;
  const auto space = std::filesystem::space(budget.folder().root(), code);
  return code ? options.keep_free : space.available;
}

}  // namespace

Reaped ReapOnce(DiskBudget& budget, const ReaperOptions& options) {
  Reaped reaped;
  reaped.used_bytes = budget.UsedBytes();
  reaped.free_bytes = FreeBytes(budget, options);
  std::uint64_t wanted = 0;
  if (options.max_bytes > 0 && reaped.used_bytes > options.max_bytes) {
    wanted = reaped.used_bytes - options.max_bytes + options.max_bytes / 10;
  }
  if (reaped.free_bytes < options.keep_free) {
    wanted = std::max(wanted, options.keep_free - reaped.free_bytes + options.keep_free / 10);
  }
  if (wanted == 0) return reaped;
  reaped.gone = budget.Reap(wanted);
  const std::uint64_t freed = Bytes(reaped.gone);
  reaped.enough = (options.max_bytes == 0 || reaped.used_bytes <= options.max_bytes + freed) &&
                  reaped.free_bytes + freed >= options.keep_free;
  return reaped;
}

Reaper::Reaper(DiskBudget* budget, const ReaperOptions& options,
               std::function<void(const Reaped&)> told)
    : budget_(budget), options_(options), told_(std::move(told)), thread_([this] { Run(); }) {}

Reaper::~Reaper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Reaper::Wake() {
  {
    const std::lock_guard lock(mutex_);
    wake_ = true;
  }
  changed_.notify_all();
}

void Reaper::Run() {
  ::pthread_setname_np(::pthread_self(), "reaper");
  constexpr double kWalkPart = 200;  // Seconds between walks for every second that one takes.
  bool said = false;                 // That nothing more can go.
  double next_walk = 0;
  while (true) {
    const double start = MonotonicClock().Now();
    // A disk that others have filled is no reason to walk again and again for nothing.
    if (start >= next_walk || (!said && FreeBytes(*budget_, options_) < options_.keep_free)) {
      const Reaped reaped = ReapOnce(*budget_, options_);
      const double end = MonotonicClock().Now();
      next_walk = end + std::max(options_.every_seconds, kWalkPart * (end - start));
      if (!reaped.gone.empty() || (!reaped.enough && !said)) told_(reaped);
      said = !reaped.enough;
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(options_.every_seconds),
                      [this] { return stop_ || wake_; });
    if (stop_) return;
    if (wake_) next_walk = 0;
    wake_ = false;
  }
}

}  // namespace ekya::registry
