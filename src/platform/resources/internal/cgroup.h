#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

namespace ekya::resources {

/// The content of a file of /proc or of a control group tree: such a file has no size to go by.
Result<std::string> ReadKernelFile(const std::filesystem::path& path);

/// Where this process may make groups with a CPU quota: the folder of its own group in the kernel's
/// cgroup tree, and which of the two interfaces is spoken there.
struct CgroupHome {
  int version = 1;  ///< 1: files tasks and cpu.cfs_*; 2: files cgroup.threads and cpu.max.
  std::filesystem::path folder;
};

/// The home found in `mountinfo` and `cgroup` (the contents of /proc/self/mountinfo and
/// /proc/self/cgroup). Version 1 is taken where the cpu controller is mounted there. kNotFound
/// where no tree has it.
Result<CgroupHome> FindCgroupHome(const std::string& mountinfo, const std::string& cgroup);

/// A quota as the kernel takes it.
struct Quota {
  long quota_microseconds = 0;
  long period_microseconds = 0;
};

/// The quota for `cores` > 0 processor seconds per second. The period is 20 ms, so that a frame
/// waits little; it is longer only where the share of 20 ms would be under the kernel's 1 ms
/// minimum, at most 1 s. A share under a thousandth of a core becomes a thousandth.
Quota QuotaFor(double cores);

/// A folder of the kernel's tree: made by Make, removed on destruction. Threads that are still in
/// it go home.
class CgroupFolder {
 public:
  static Result<std::shared_ptr<const CgroupFolder>> Make(const CgroupHome& home,
                                                          std::filesystem::path path);
  ~CgroupFolder();
  CgroupFolder(const CgroupFolder&) = delete;
  CgroupFolder& operator=(const CgroupFolder&) = delete;

  const CgroupHome& home() const { return home_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  CgroupFolder(CgroupHome home, std::filesystem::path path);

  const CgroupHome home_;
  const std::filesystem::path path_;
};

/// One job's group, gone on destruction. One thread; Attach also from others.
class CgroupJob {
 public:
  CgroupJob(std::shared_ptr<const CgroupFolder> parent, std::shared_ptr<const CgroupFolder> folder);

  /// Limits the group's threads together to `cores` > 0, which is also their weight where they
  /// compete.
  Status Limit(double cores);
  /// Moves a thread of this process into the group.
  Status Attach(pid_t thread);
  const std::filesystem::path& path() const { return folder_->path(); }

 private:
  const std::shared_ptr<const CgroupFolder> parent_;  // Can only be removed after folder_.
  const std::shared_ptr<const CgroupFolder> folder_;
  long period_ = 0;  // What was last written; 0: nothing yet.
};

/// The groups of this process: a folder `ekya-<process>-<its start>-<number>` at home, a folder per
/// job inside it. Jobs may outlive the tree. One thread at a time.
class CgroupTree {
 public:
  /// Removes what dead processes left at `home`, makes the folder and tries a quota in it. An error
  /// says which file could not be written.
  static Result<std::unique_ptr<CgroupTree>> Make(const CgroupHome& home);

  /// Makes the group of a job; characters of `name` that a folder name should not have are
  /// replaced.
  Result<std::unique_ptr<CgroupJob>> MakeJob(const std::string& name);
  /// Moves the calling thread beside the jobs: into a group without a quota, where the threads that
  /// it starts then are too until they join a job.
  Status JoinService();
  const CgroupHome& home() const { return folder_->home(); }
  const std::filesystem::path& path() const { return folder_->path(); }

 private:
  explicit CgroupTree(std::shared_ptr<const CgroupFolder> folder);

  const std::shared_ptr<const CgroupFolder> folder_;
  std::shared_ptr<const CgroupFolder> service_;  // Can only be removed before folder_.
  int jobs_ = 0;
};

/// Removes the folders of Ekya processes that no longer live from `home`.
void RemoveStaleCgroups(const std::filesystem::path& home);

}  // namespace ekya::resources
