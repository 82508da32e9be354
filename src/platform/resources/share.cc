#include "platform/resources/share.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "platform/resources/internal/cgroup.h"
#include "platform/resources/internal/job.h"

namespace ekya::resources {
namespace {

class PacingEnforcer : public ShareEnforcer {
 public:
  explicit PacingEnforcer(cpu_set_t allowed) : allowed_(allowed) {}
  std::unique_ptr<JobShare> MakeJob(const std::string& name) override {
    return std::make_unique<Job>(name, allowed_, nullptr);
  }
  // Nothing weighs more than anything else here.
  Status JoinService() override { return {}; }
  std::string mechanism() const override { return "pacing"; }

 private:
  const cpu_set_t allowed_;
};

class CgroupEnforcer : public ShareEnforcer {
 public:
  CgroupEnforcer(cpu_set_t allowed, std::unique_ptr<CgroupTree> tree)
      : allowed_(allowed), tree_(std::move(tree)) {}

  std::unique_ptr<JobShare> MakeJob(const std::string& name) override {
    std::lock_guard lock(mutex_);
    auto group = tree_->MakeJob(name);
    if (!group.ok()) {
      // A tree that was taken away meanwhile costs precision, not the stream.
      Log(LogLevel::kWarning, name, "this job is paced, since it gets no control group: {}",
          group.error().message);
      return std::make_unique<Job>(name, allowed_, nullptr);
    }
    return std::make_unique<Job>(name, allowed_, std::move(*group));
  }
  Status JoinService() override {
    std::lock_guard lock(mutex_);
    return tree_->JoinService();
  }
  std::string mechanism() const override {
    return fmt::format("cgroup v{}", tree_->home().version);
  }

 private:
  const cpu_set_t allowed_;
  std::mutex mutex_;
  const std::unique_ptr<CgroupTree> tree_;  // Guarded by mutex_.
};

Result<std::unique_ptr<CgroupTree>> MakeTree() {
  EKYA_ASSIGN(const std::string mountinfo, ReadKernelFile("/proc/self/mountinfo"));
  EKYA_ASSIGN(const std::string cgroup, ReadKernelFile("/proc/self/cgroup"));
  EKYA_ASSIGN(const CgroupHome home, FindCgroupHome(mountinfo, cgroup));
  return CgroupTree::Make(home);
}

/// The process's own processors, not the calling thread's: that one may have joined a job.
Result<cpu_set_t> AllowedProcessors() {
  cpu_set_t allowed;
  if (::sched_getaffinity(::getpid(), sizeof allowed, &allowed) != 0) {
    return Error{
        ErrorCode::kFailed,
        fmt::format("the processors of this process cannot be read: {}", std::strerror(errno))};
  }
  return allowed;
}

}  // namespace

int Processors() {
  const auto allowed = AllowedProcessors();
  return allowed.ok() ? CPU_COUNT(&*allowed) : 1;
}

Result<std::unique_ptr<ShareEnforcer>> MakeShareEnforcer(const std::string& enforcement) {
  if (enforcement != "auto" && enforcement != "cgroup" && enforcement != "pacing") {
    return Error{ErrorCode::kInvalid,
                 fmt::format("enforcement of shares: found \"{}\", expected auto, cgroup or pacing",
                             enforcement)};
  }
  EKYA_ASSIGN(const cpu_set_t allowed, AllowedProcessors());
  if (enforcement != "pacing") {
    auto tree = MakeTree();
    if (tree.ok()) {
      return std::unique_ptr<ShareEnforcer>(
          std::make_unique<CgroupEnforcer>(allowed, std::move(*tree)));
    }
    if (enforcement == "cgroup") return tree.error().Within("enforcement of shares by cgroup");
    Log(LogLevel::kInfo, "", "shares are paced, since CPU quotas cannot be set: {}",
        tree.error().message);
  }
  return std::unique_ptr<ShareEnforcer>(std::make_unique<PacingEnforcer>(allowed));
}

}  // namespace ekya::resources
