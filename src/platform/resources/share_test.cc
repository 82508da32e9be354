#include "platform/resources/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "platform/resources/internal/cgroup.h"

namespace ekya::resources {
namespace {

using testing::HasSubstr;

/// Computes for `seconds` of processor time, like a minibatch.
void Spin(double seconds) {
  const double until = ThreadCpuSeconds() + seconds;
  while (ThreadCpuSeconds() < until) {
  }
}

double Now() { return MonotonicClock().Now(); }

void Sleep(double seconds) { MonotonicClock().SleepUntil(Now() + seconds); }

/// A thread that joins `job` and computes until it is released.
std::thread Compute(JobShare& job, double minibatch_seconds = 0.002) {
  return std::thread([&job, minibatch_seconds] {
    ASSERT_TRUE(job.Join().ok());
    while (job.Checkpoint()) Spin(minibatch_seconds);
  });
}

/// Both mechanisms, where this machine lets them be had.
class ShareTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto enforcer = MakeShareEnforcer(GetParam());
    if (!enforcer.ok()) GTEST_SKIP() << "no quotas here: " << enforcer.error().message;
    enforcer_ = std::move(*enforcer);
  }

  std::unique_ptr<ShareEnforcer> enforcer_;
};

INSTANTIATE_TEST_SUITE_P(Mechanisms, ShareTest, testing::Values("pacing", "cgroup"),
                         [](const auto& mechanism) { return std::string(mechanism.param); });

TEST_P(ShareTest, AJobGetsNoMoreThanItsShare) {
  const auto job = enforcer_->MakeJob("lobby inference");
  ASSERT_TRUE(job->Set(0.25, -1).ok());
  std::thread thread = Compute(*job);
  Sleep(0.1);  // A first period may be taken up to its end at once.
  const double used_before = job->CpuSeconds();
  const double before = Now();
  Sleep(1);
  const double used = job->CpuSeconds() - used_before;
  const double share = used / (Now() - before);
  job->Release();
  thread.join();
  // Only from above: a busy machine may give less.
  EXPECT_LT(share, 0.32);
  EXPECT_GT(used, 0);
}

TEST_P(ShareTest, TheThreadsOfAJobShareItsShare) {
  const auto job = enforcer_->MakeJob("retraining");
  ASSERT_TRUE(job->Set(0.3, -1).ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.push_back(Compute(*job));
  Sleep(0.1);
  const double used_before = job->CpuSeconds();
  const double before = Now();
  Sleep(1);
  const double share = (job->CpuSeconds() - used_before) / (Now() - before);
  job->Release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(share, 0.4);
  EXPECT_GT(share, 0);
}

TEST_P(ShareTest, AChangedShareIsEffectiveAtOnce) {
  const auto job = enforcer_->MakeJob("job");
  ASSERT_TRUE(job->Set(0.02, 0).ok());
  std::atomic<int> minibatches = 0;
  std::thread thread([&] {
    ASSERT_TRUE(job->Join().ok());
    while (job->Checkpoint()) {
      Spin(0.02);  // A whole second of its share: it will owe for long.
      ++minibatches;
    }
  });
  while (minibatches == 0) Sleep(0.005);
  const double used_low = job->CpuSeconds();
  Sleep(0.3);
  EXPECT_LT(job->CpuSeconds() - used_low, 0.06);
  EXPECT_DOUBLE_EQ(job->cores(), 0.02);
  ASSERT_TRUE(job->Set(1, 0).ok());
  EXPECT_DOUBLE_EQ(job->cores(), 1);
  // The rate from here on is the machine's; what must end is the waiting.
  const int before = minibatches;
  const double start = Now();
  while (minibatches < before + 3 && Now() < start + 60) Sleep(0.001);
  EXPECT_GE(minibatches, before + 3);
  job->Release();
  thread.join();
}

TEST_P(ShareTest, WithoutAShareAJobStopsAndGoesOnWhenItGetsOne) {
  const auto job = enforcer_->MakeJob("job");
  std::atomic<int> minibatches = 0;
  std::thread thread([&] {
    ASSERT_TRUE(job->Join().ok());
    while (job->Checkpoint()) {
      Spin(0.001);
      ++minibatches;
    }
  });
  Sleep(0.05);
  EXPECT_EQ(minibatches, 0) << "a new job has no share";
  ASSERT_TRUE(job->Set(0.5, -1).ok());
  while (minibatches < 5) Sleep(0.001);
  ASSERT_TRUE(job->Set(0, -1).ok());
  // At most the minibatch that had begun is ended.
  Sleep(0.05);
  const int stopped_at = minibatches;
  const double used = job->CpuSeconds();
  Sleep(0.2);
  EXPECT_LE(minibatches, stopped_at + 1);
  EXPECT_LT(job->CpuSeconds() - used, 0.01);
  ASSERT_TRUE(job->Set(0.5, -1).ok());
  while (minibatches < stopped_at + 5) Sleep(0.001);
  job->Release();
  thread.join();
}

TEST_P(ShareTest, ReleaseEndsEveryWait) {
  const auto waiting = enforcer_->MakeJob("waiting");
  const auto indebted = enforcer_->MakeJob("indebted");
  ASSERT_TRUE(indebted->Set(0.001, -1).ok());
  std::promise<void> started;
  std::thread no_share = Compute(*waiting);
  std::thread debt([&] {
    ASSERT_TRUE(indebted->Join().ok());
    ASSERT_TRUE(indebted->Checkpoint());
    started.set_value();
    Spin(0.005);  // Five seconds of its share.
    while (indebted->Checkpoint()) Spin(0.005);
  });
  started.get_future().wait();
  Sleep(0.02);
  const double before = Now();
  waiting->Release();
  indebted->Release();
  no_share.join();
  debt.join();
  EXPECT_LT(Now() - before, 4);
  EXPECT_FALSE(waiting->Checkpoint()) << "then and forever";
  ASSERT_TRUE(waiting->Set(1, -1).ok());
  EXPECT_FALSE(waiting->Checkpoint());
}

TEST_P(ShareTest, CountsTheTimeOfThreadsThatHaveEnded) {
  const auto job = enforcer_->MakeJob("job");
  ASSERT_TRUE(job->Set(1, -1).ok());
  double used = 0;
  for (int i = 0; i < 3; ++i) {
    std::thread thread([&] {
      Spin(0.01);  // Before it joined: not the job's.
      ASSERT_TRUE(job->Join().ok());
      const double start = ThreadCpuSeconds();
      Spin(0.02);
      used += ThreadCpuSeconds() - start;
    });
    thread.join();
    EXPECT_GE(job->CpuSeconds(), used);
    EXPECT_LT(job->CpuSeconds(), used + 0.009);
  }
}

TEST_P(ShareTest, ManyJobsEachKeepTheirOwn) {
  constexpr int kJobs = 12;
  std::vector<std::unique_ptr<JobShare>> jobs;
  std::vector<std::thread> threads;
  for (int i = 0; i < kJobs; ++i) {
    jobs.push_back(enforcer_->MakeJob("job/with spaces and a very long name " + std::to_string(i)));
    ASSERT_TRUE(jobs.back()->Set(i % 2 == 0 ? 0.02 : 0.05, -1).ok());
    threads.push_back(Compute(*jobs.back(), 0.0005));
  }
  Sleep(0.1);
  std::vector<double> before;
  for (const auto& job : jobs) before.push_back(job->CpuSeconds());
  const double start = Now();
  Sleep(1);
  const double wall = Now() - start;
  for (int i = 0; i < kJobs; ++i) {
    const double share = (jobs[i]->CpuSeconds() - before[i]) / wall;
    EXPECT_LT(share, (i % 2 == 0 ? 0.02 : 0.05) + 0.02) << i;
    EXPECT_GT(share, 0) << i;
    jobs[i]->Release();
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(ShareTest, AJobStaysOnItsProcessor) {
  const auto job = enforcer_->MakeJob("job");
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  const int last = CPU_COUNT(&allowed) - 1;
  ASSERT_TRUE(job->Set(1, last).ok());
  std::thread thread([&] {
    ASSERT_TRUE(job->Join().ok());
    cpu_set_t now;
    ASSERT_EQ(sched_getaffinity(0, sizeof now, &now), 0);
    EXPECT_EQ(CPU_COUNT(&now), 1);
    ASSERT_TRUE(job->Set(1, -1).ok());
    ASSERT_EQ(sched_getaffinity(0, sizeof now, &now), 0);
    EXPECT_TRUE(CPU_EQUAL(&now, &allowed));
  });
  thread.join();
}

TEST_P(ShareTest, AThreadMayGoOnWhenItsJobIsGone) {
  std::promise<void> joined, gone;
  auto job = enforcer_->MakeJob("short-lived");
  ASSERT_TRUE(job->Set(0.01, 0).ok());
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  std::thread thread([&] {
    ASSERT_TRUE(job->Join().ok());
    joined.set_value();
    gone.get_future().wait();
    cpu_set_t now;
    ASSERT_EQ(sched_getaffinity(0, sizeof now, &now), 0);
    EXPECT_TRUE(CPU_EQUAL(&now, &before));
    auto next = enforcer_->MakeJob("next");
    ASSERT_TRUE(next->Set(0.5, -1).ok());
    ASSERT_TRUE(next->Join().ok());
    EXPECT_TRUE(next->Checkpoint());
    Spin(0.01);
    EXPECT_GE(next->CpuSeconds(), 0.01);
  });
  joined.get_future().wait();
  job.reset();
  gone.set_value();
  thread.join();
}

TEST_P(ShareTest, RefusesWhatIsNoShare) {
  const auto job = enforcer_->MakeJob("lobby");
  for (const double cores : {-0.1, 1e6, std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Status status = job->Set(cores, -1);
    ASSERT_FALSE(status.ok()) << cores;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(status.error().message, HasSubstr("share of job \"lobby\": found"));
  }
  for (const int core : {-2, 100000}) {
    const Status status = job->Set(0.5, core);
    ASSERT_FALSE(status.ok()) << core;
    EXPECT_THAT(status.error().message, HasSubstr("processor of job \"lobby\": found"));
  }
  EXPECT_EQ(job->cores(), 0);
}

TEST(ProcessorsTest, AreThoseThatTheProcessMayUse) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(getpid(), sizeof before, &before), 0);
  EXPECT_EQ(Processors(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int processor = 0; CPU_COUNT(&one) == 0; ++processor) {
    if (CPU_ISSET(processor, &before)) CPU_SET(processor, &one);
  }
  ASSERT_EQ(sched_setaffinity(getpid(), sizeof one, &one), 0);
  EXPECT_EQ(Processors(), 1);
  sched_setaffinity(getpid(), sizeof before, &before);
}

TEST(ShareEnforcerTest, SaysWhatItUses) {
  const auto pacing = MakeShareEnforcer("pacing");
  ASSERT_TRUE(pacing.ok());
  EXPECT_EQ((*pacing)->mechanism(), "pacing");
  const auto any = MakeShareEnforcer("auto");
  ASSERT_TRUE(any.ok()) << any.error().message;
  const auto quotas = MakeShareEnforcer("cgroup");
  EXPECT_EQ((*any)->mechanism(), quotas.ok() ? (*quotas)->mechanism() : "pacing");
  const auto wrong = MakeShareEnforcer("mps");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message,
            "enforcement of shares: found \"mps\", expected auto, cgroup or pacing");
}

TEST(ShareEnforcerTest, JobsKeepTheirShareBesideOtherWork) {
  auto enforcer = MakeShareEnforcer("cgroup");
  if (!enforcer.ok()) GTEST_SKIP() << enforcer.error().message;
  const std::string before = *ReadKernelFile("/proc/thread-self/cgroup");
  ASSERT_TRUE((*enforcer)->JoinService().ok());
  EXPECT_THAT(*ReadKernelFile("/proc/thread-self/cgroup"), HasSubstr("/service\n"));
  std::string of_child;
  std::thread([&] { of_child = *ReadKernelFile("/proc/thread-self/cgroup"); }).join();
  EXPECT_THAT(of_child, HasSubstr("/service\n"));
  enforcer->reset();
  EXPECT_EQ(*ReadKernelFile("/proc/thread-self/cgroup"), before);
}

TEST(ShareEnforcerTest, LeavesNothingInTheTree) {
  const auto home =
      FindCgroupHome(*ReadKernelFile("/proc/self/mountinfo"), *ReadKernelFile("/proc/self/cgroup"));
  if (!home.ok()) GTEST_SKIP() << home.error().message;
  auto tree = CgroupTree::Make(*home);
  if (!tree.ok()) GTEST_SKIP() << "no quotas here: " << tree.error().message;
  const std::filesystem::path folder = (*tree)->path();
  auto job = (*tree)->MakeJob("job");
  ASSERT_TRUE(job.ok());
  EXPECT_TRUE(std::filesystem::exists((*job)->path()));
  tree->reset();
  EXPECT_TRUE(std::filesystem::exists((*job)->path())) << "a job may outlive the tree";
  job->reset();
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace ekya::resources
