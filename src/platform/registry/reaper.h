#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "platform/registry/disk_budget.h"

namespace ekya::registry {

struct ReaperOptions {
  std::uint64_t max_bytes = 0;  ///< `server.max_bytes`: what may lie in the data folder.
  std::uint64_t keep_free = 0;  ///< Bytes that are to stay free on its disk, whoever fills it.
  double every_seconds = 10;    ///< Between two looks.
};

/// One time that something was removed, or should have been.
struct Reaped {
  std::uint64_t used_bytes = 0;  ///< Before.
  std::uint64_t free_bytes = 0;  ///< On the disk, before.
  std::vector<DiskUse> gone;
  bool enough = true;  ///< Else nothing more may go, and there is still too much.
};

/// Keeps a data folder within its budget, in a thread of its own that nothing else waits for. Every
/// few seconds it looks at what is free on the disk, and at what lies in the folder so often that
/// counting takes no more than a two-hundredth of its time. Where there is too much it removes a
/// tenth more than that, so that it is not at it all the time.
class Reaper {
 public:
  /// `told` is called in the reaper's thread whenever something went, and once when nothing more
  /// can. `budget` is not owned. Starts at once.
  Reaper(DiskBudget* budget, const ReaperOptions& options, std::function<void(const Reaped&)> told);
  /// Ends the thread, after the removal it is at.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// Looks now rather than at its time: a write has just failed. Does not wait.
  void Wake();

 private:
  void Run();

  DiskBudget* const budget_;
  const ReaperOptions options_;
  const std::function<void(const Reaped&)> told_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;  // guarded by mutex_
  bool wake_ = false;  // guarded by mutex_
  std::thread thread_;
};

/// Looks once, as the Reaper does: removes what is too much.
Reaped ReapOnce(DiskBudget& budget, const ReaperOptions& options);

}  // namespace ekya::registry
