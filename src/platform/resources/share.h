#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace ekya::resources {

/// One job's part of the box: the computing thread joins it, the scheduler sets its share, and the
/// job then really gets no more. Shares may change at any time, from any thread.
class JobShare {
 public:
  virtual ~JobShare() = default;

  /// `cores`: processor seconds per second, 0 .. number of cores; 0 stops the job at its next
  /// Checkpoint until it gets some again. `core`: the processor to stay on, -1 for any.
  virtual Status Set(double cores, int core) = 0;
  /// Binds the calling thread to this job; each computing thread calls it once, first.
  virtual Status Join() = 0;
  /// Called by a joined thread between minibatches or frames: returns when the job may go on
  /// computing. Returns false when Release was called, then and forever.
  virtual bool Checkpoint() = 0;
  /// Lets every waiting Checkpoint return false: the job is to end.
  virtual void Release() = 0;

  /// Processor seconds used by all joined threads so far.
  virtual double CpuSeconds() const = 0;
  virtual double cores() const = 0;
};

/// Makes jobs and enforces their shares: by CPU quotas of the kernel (cgroup v1 or v2) where they
/// can be written, else by pacing (a joined thread sleeps at its Checkpoint until its processor
/// time fits its share).
class ShareEnforcer {
 public:
  virtual ~ShareEnforcer() = default;
  virtual std::unique_ptr<JobShare> MakeJob(const std::string& name) = 0;
  /// Puts the calling thread and those it starts from now on, which read cameras and decide, where
  /// jobs cannot crowd them out. Until the enforcer's destruction.
  virtual Status JoinService() = 0;
  /// "cgroup v1", "cgroup v2" or "pacing", for people.
  virtual std::string mechanism() const = 0;
};

/// How many processors this process may use: all of the machine's, or those that taskset or a
/// container leaves it. What JobShare::Set calls processor 0, 1, ... is the first, the second, ...
/// of these.
int Processors();

/// `enforcement`: "auto" (quotas where writable, else pacing), "cgroup" (an error where not) or
/// "pacing". What it made in the cgroup tree is removed on destruction.
Result<std::unique_ptr<ShareEnforcer>> MakeShareEnforcer(const std::string& enforcement);

}  // namespace ekya::resources
