#include "platform/resources/internal/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ekya::resources {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kVersion1Mounts[] =
    "25 1 0:22 / /sys rw shared:1 - sysfs sysfs rw\n"
    "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "31 25 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n";
constexpr char kVersion2Mounts[] =
    "25 1 0:22 / /sys rw shared:1 - sysfs sysfs rw\n"
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(FindCgroupHomeTest, TakesTheTreeThatHasTheCpuController) {
  const auto home = FindCgroupHome(kVersion1Mounts, "3:cpuset:/a\n1:cpu,cpuacct:/b/c\n0::/d\n");
  ASSERT_TRUE(home.ok());
  EXPECT_EQ(home->version, 1);
  EXPECT_EQ(home->folder, "/sys/fs/cgroup/cpu,cpuacct/b/c");
}

TEST(FindCgroupHomeTest, TakesVersion2WhereVersion1HasNoCpu) {
  const auto home = FindCgroupHome(kVersion2Mounts, "0::/user.slice/session-1.scope\n");
  ASSERT_TRUE(home.ok());
  EXPECT_EQ(home->version, 2);
  EXPECT_EQ(home->folder, "/sys/fs/cgroup/user.slice/session-1.scope");
}

TEST(FindCgroupHomeTest, InsideAContainerTheMountStartsAtItsOwnGroup) {
  const auto home = FindCgroupHome(
      "30 25 0:26 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n", "1:cpu:/docker/abc");
  ASSERT_TRUE(home.ok());
  EXPECT_EQ(home->folder, "/sys/fs/cgroup/cpu/");
}

TEST(FindCgroupHomeTest, SaysThatThereIsNone) {
  for (const char* mounts : {"", "25 1 0:22 / /sys rw - sysfs sysfs rw\n", "garbage\n- - -\n"}) {
    const auto home = FindCgroupHome(mounts, "0::/\n");
    ASSERT_FALSE(home.ok());
    EXPECT_EQ(home.error().code, ErrorCode::kNotFound);
  }
}

TEST(QuotaTest, KeepsTheShareAndTheKernelsLimits) {
  for (const double cores : {0.001, 0.004, 0.01, 0.049, 0.05, 0.1, 0.25, 0.5, 1.0, 1.75, 16.0}) {
    const Quota quota = QuotaFor(cores);
    EXPECT_GE(quota.quota_microseconds, 1000) << cores;
    EXPECT_GE(quota.period_microseconds, 20000) << cores;
    EXPECT_LE(quota.period_microseconds, 1000000) << cores;
    EXPECT_NEAR(static_cast<double>(quota.quota_microseconds) /
                    static_cast<double>(quota.period_microseconds),
                cores, 0.001 * cores + 1e-9)
        << cores;
  }
  EXPECT_EQ(QuotaFor(0.5).period_microseconds, 20000);
  EXPECT_EQ(QuotaFor(1e-9).quota_microseconds, QuotaFor(0.001).quota_microseconds);
}

/// A folder with ordinary files in the place of a kernel's tree: shows what is written where. What
/// the kernel does with it is for share_test.cc.
class CgroupFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    home_ = fs::path(testing::TempDir()) / ("cgroup-" + std::to_string(::getpid()));
    fs::create_directories(home_);
  }
  void TearDown() override { fs::remove_all(home_); }

  static void Write(const fs::path& file, const std::string& content) {
    std::ofstream(file) << content;
  }
  static std::string Read(const fs::path& file) { return *ReadKernelFile(file); }

  fs::path home_;
};

TEST_F(CgroupFilesTest, Version1WritesQuotaPeriodAndThreads) {
  const CgroupHome home{1, home_};
  const fs::path path = home_ / "job";
  Write(home_ / "tasks", "");
  auto folder = CgroupFolder::Make(home, path);
  ASSERT_TRUE(folder.ok());
  for (const char* file : {"cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "tasks"})
    Write(path / file, "");
  CgroupJob job(*folder, *folder);
  ASSERT_TRUE(job.Limit(0.25).ok());
  EXPECT_EQ(Read(path / "cpu.cfs_period_us"), "20000");
  EXPECT_THAT(Read(path / "cpu.cfs_quota_us"), HasSubstr("5000"));
  EXPECT_EQ(Read(path / "cpu.shares"), "256");
  ASSERT_TRUE(job.Attach(1234).ok());
  EXPECT_EQ(Read(path / "tasks"), "1234");
  fs::remove_all(path);  // A control group's folder needs no emptying.
}

TEST_F(CgroupFilesTest, Version2NeedsTheCpuController) {
  Write(home_ / "cgroup.controllers", "io memory");
  const auto tree = CgroupTree::Make({2, home_});
  ASSERT_FALSE(tree.ok());
  EXPECT_THAT(tree.error().message, HasSubstr("cgroup.controllers: found \"io memory\""));
}

TEST_F(CgroupFilesTest, ARefusedFileIsNamed) {
  // Ordinary folders have no control files.
  const auto tree = CgroupTree::Make({1, home_});
  ASSERT_FALSE(tree.ok());
  EXPECT_THAT(tree.error().message, HasSubstr("cpu.shares: writing \""));
  EXPECT_TRUE(fs::is_empty(home_)) << "nothing is left behind";
}

TEST_F(CgroupFilesTest, AFolderThatCannotBeMadeIsNamed) {
  const auto tree = CgroupTree::Make({1, home_ / "absent"});
  ASSERT_FALSE(tree.ok());
  EXPECT_THAT(tree.error().message, HasSubstr("absent/ekya-"));
  EXPECT_EQ(tree.error().code, ErrorCode::kNotFound);
}

TEST_F(CgroupFilesTest, RemovesOnlyWhatDeadProcessesLeft) {
  const std::string own = std::to_string(::getpid());
  const std::string stat = Read("/proc/self/stat");
  // The 22nd field; this program's name has no space in it.
  std::string start = stat;
  for (int field = 1; field < 22; ++field) start = start.substr(start.find(' ') + 1);
  start = start.substr(0, start.find(' '));

  const fs::path alive = home_ / ("ekya-" + own + "-" + start + "-0");
  const fs::path reused = home_ / ("ekya-" + own + "-1-0");  // Our number, another's start.
  const fs::path dead = home_ / "ekya-999999999-5-0";
  const fs::path foreign = home_ / "ekya-backup";
  for (const fs::path& folder : {alive, reused, dead, foreign}) {
    fs::create_directories(folder / "0-job");
  }
  RemoveStaleCgroups(home_);
  EXPECT_TRUE(fs::exists(alive));
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_FALSE(fs::exists(reused));
  EXPECT_FALSE(fs::exists(dead));
}

}  // namespace
}  // namespace ekya::resources
