#pragma once

#include <sched.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "platform/resources/internal/cgroup.h"
#include "platform/resources/share.h"

namespace ekya::resources {

struct JobThreads;

/// A job whose share is kept by the kernel where it has a group, and by pacing where not. Without a
/// share it stops at its next Checkpoint in both cases: the kernel knows no quota of zero, and a
/// thread stopped in the middle of anything might hold a lock.
class Job : public JobShare {
 public:
  /// `group` may be null. `allowed`: the processors that this process may use.
  Job(std::string name, cpu_set_t allowed, std::unique_ptr<CgroupJob> group);
  ~Job() override;

  Status Set(double cores, int core) override;
  Status Join() override;
  bool Checkpoint() override;
  void Release() override;
  double CpuSeconds() const override;
  double cores() const override;

 private:
  const std::string name_;
  const cpu_set_t allowed_;
  const std::unique_ptr<CgroupJob> group_;  // Guarded by setting_, except Attach.
  const std::shared_ptr<JobThreads> threads_;
  std::mutex setting_;  // One Set at a time; taken before the mutex of threads_.
};

}  // namespace ekya::resources
