#include "run/processes/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "run/processes/convert.h"
#include "run/processes/remote_learning.h"
#include "run/processes/spawner.h"

namespace ekya::processes {
namespace {

using testing::HasSubstr;

TEST(Convert, AVersionAndWhatMadeItArriveWhole) {
  const workers::ServingVersion version = Unpack(Pack(workers::ServingVersion{7, "w", 1.5}));
  EXPECT_EQ(version.version, 7);
  EXPECT_EQ(version.weights, "w");
  EXPECT_EQ(version.temperature, 1.5);
  workers::TrainingReport report;
  report.comparison.temperature = 0.8;
  report.classes = {"car", "bus"};
  report.new_classes = {"bus"};
  report.comparison.objects = 3;
  const workers::TrainingReport arrived = Unpack(Pack(report));
  EXPECT_EQ(arrived.comparison.temperature, 0.8);
  EXPECT_EQ(arrived.classes, report.classes);
  EXPECT_EQ(arrived.new_classes, report.new_classes);
  EXPECT_EQ(arrived.comparison.objects, 3);
}

TEST(Process, TellsHowItEnded) {
  auto fails = Process::Start("/bin/sh", {"sh", "-c", "exit 3"});
  ASSERT_TRUE(fails.ok()) << fails.error().message;
  const auto status = fails->Wait(10);
  ASSERT_TRUE(status);
  EXPECT_EQ(Describe(*status), "exit status 3");
  EXPECT_TRUE(BrokeDown(*status));

  auto sleeps = Process::Start("/bin/sleep", {"sleep", "100"});
  ASSERT_TRUE(sleeps.ok());
  EXPECT_FALSE(sleeps->Wait(0.05)) << "it still runs";
  sleeps->Signal(SIGKILL);
  const auto killed = sleeps->Wait(10);
  ASSERT_TRUE(killed);
  EXPECT_THAT(Describe(*killed), HasSubstr("signal 9"));
  EXPECT_FALSE(BrokeDown(*killed)) << "it was killed";

  auto aborts = Process::Start("/bin/sh", {"sh", "-c", "kill -ABRT $$"});
  ASSERT_TRUE(aborts.ok());
  EXPECT_TRUE(BrokeDown(*aborts->Wait(10)));
}

TEST(Process, KnowsWhetherItWasStopped) {
  auto process = Process::Start("/bin/sleep", {"sleep", "30"});
  ASSERT_TRUE(process.ok()) << process.error().message;
  EXPECT_FALSE(process->Stopped());
  process->Signal(SIGSTOP);
  for (int i = 0; i < 100 && !process->Stopped(); ++i) EXPECT_FALSE(process->Wait(0.05));
  EXPECT_TRUE(process->Stopped());
  process->Signal(SIGCONT);
  for (int i = 0; i < 100 && process->Stopped(); ++i) EXPECT_FALSE(process->Wait(0.05));
  EXPECT_FALSE(process->Stopped());
}

TEST(Process, EndsWithItsOwner) {
  pid_t id = 0;
  {
    Spawner spawner;
    auto process = spawner.Start("/bin/sleep", {"sleep", "100"});
    ASSERT_TRUE(process.ok());
    id = process->id();
    EXPECT_EQ(kill(id, 0), 0);
  }
  EXPECT_NE(kill(id, 0), 0);
}

TEST(Process, WhatCannotBeStartedIsNamed) {
  const auto process = Process::Start("/nowhere/program", {"program"});
  ASSERT_FALSE(process.ok());
  EXPECT_THAT(process.error().message, HasSubstr("/nowhere/program"));
}

/// What a worker finds in its environment, for the test after it.
TEST(Supervised, DISABLED_WorkerThatTellsItsEnvironment) {
  std::ifstream file("/proc/self/cmdline");
  std::string out;
  for (std::string word; std::getline(file, word, '\0');) {
    if (word == "--out") std::getline(file, out, '\0');
  }
  const char* const bound = std::getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE");
  std::ofstream(out, std::ios::app) << (bound == nullptr ? "none" : bound) << '\n';
}

std::string EnvironmentOn(const std::string& device, double share, const std::string& expected) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("ekya-device-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto file = folder / "told";
  std::string last;
  {
    Spawner spawner;
    RemoteLearning learning(
        "gpu",
        {spawner,
         {"worker", "--gtest_filter=*DISABLED_WorkerThatTells*", "--gtest_also_run_disabled_tests",
          "--gtest_brief=1", "--out", file.string()},
         folder,
         device},
        [](const std::string&, const std::string&) {});
    EXPECT_TRUE(learning.SetShare(share, -1).ok()) << "it holds from its start";
    const double latest = MonotonicClock().Now() + 60;
    while (last != expected && MonotonicClock().Now() < latest) {
      MonotonicClock().SleepUntil(MonotonicClock().Now() + 0.02);
      std::ifstream told(file);
      for (std::string line; std::getline(told, line);) last = line;
    }
  }
  std::filesystem::remove_all(folder);
  return last;
}

TEST(Supervised, AWorkerOfACudaDeviceBeginsWithItsShareOfIt) {
  EXPECT_EQ(EnvironmentOn("cuda:0", 0.35, "35"), "35");
  EXPECT_EQ(EnvironmentOn("cpu:0", 0.35, "none"), "none");
}

TEST(Convert, ErrorsKeepCodeAndText) {
  for (const ErrorCode code :
       {ErrorCode::kInvalid, ErrorCode::kNotFound, ErrorCode::kInfeasible, ErrorCode::kUnavailable,
        ErrorCode::kCancelled, ErrorCode::kFailed}) {
    const Status back = FromStatus(AsStatus(Error{code, "camera a: why"}));
    ASSERT_FALSE(back.ok());
    EXPECT_EQ(back.error().code, code);
    EXPECT_EQ(back.error().message, "camera a: why");
  }
  EXPECT_TRUE(FromStatus(AsStatus({})).ok());
  const Status gone = FromStatus({grpc::StatusCode::UNAVAILABLE, "socket closed"});
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
}

TEST(Convert, JobsAndReportsComeBackAsTheyWere) {
  workers::TrainingJob job;
  job.pupil = {"lobby", {"free", "busy"}};
  job.window = 7;
  job.trial = true;
  job.base = "a.safetensors";
  job.compare = true;
  job.configuration.id = "all/8";
  job.configuration.epochs = 8;
  job.configuration.balanced = false;
  job.configuration.distillation = 0.25;
  job.deadline = 12.5;
  job.turn_end = 11.5;
  job.most_held_out = 160;
  job.seed = 18446744073709551615U;
  job.state_file = "s";
  job.out = "o";
  const workers::TrainingJob same = Unpack(Pack(job));
  EXPECT_EQ(same.pupil.classes, job.pupil.classes);
  EXPECT_EQ(same.window, 7);
  EXPECT_TRUE(same.trial);
  EXPECT_FALSE(same.first);
  EXPECT_EQ(same.configuration.id, "all/8");
  EXPECT_EQ(same.configuration.epochs, 8);
  EXPECT_FALSE(same.configuration.balanced);
  EXPECT_EQ(same.configuration.distillation, 0.25);
  EXPECT_EQ(same.configuration.trained_stages, job.configuration.trained_stages);
  EXPECT_EQ(same.seed, job.seed);
  EXPECT_EQ(same.deadline, 12.5);
  EXPECT_EQ(same.turn_end, 11.5);
  EXPECT_EQ(same.out, "o");

  workers::TrainingReport report;
  report.accuracy = {0.5, 0.75};
  report.whole = false;
  report.comparison.outcomes.served = {0, 1};
  report.comparison.outcomes.candidate = {1, 1};
  report.comparison.outcomes.label = {0, 3};
  report.comparison.outcomes.label_served = {0.5, 0.75};
  report.comparison.outcomes.label_candidate = {0.25, 1};
  report.comparison.outcomes.served_loss = {1.5, 0};
  report.comparison.outcomes.candidate_loss = {0.5, 0.25};
  report.comparison.candidate_accuracy = 1;
  const workers::TrainingReport told = Unpack(Pack(report));
  EXPECT_EQ(told.accuracy, report.accuracy);
  EXPECT_FALSE(told.whole);
  EXPECT_EQ(told.comparison.outcomes.label, report.comparison.outcomes.label);
  EXPECT_EQ(told.comparison.outcomes.label_served, report.comparison.outcomes.label_served);
  EXPECT_EQ(told.comparison.outcomes.label_candidate, report.comparison.outcomes.label_candidate);
  EXPECT_EQ(told.comparison.outcomes.served_loss, report.comparison.outcomes.served_loss);
  EXPECT_EQ(told.comparison.outcomes.candidate_loss, report.comparison.outcomes.candidate_loss);
  EXPECT_EQ(told.comparison.outcomes.candidate, report.comparison.outcomes.candidate);
  EXPECT_EQ(told.comparison.candidate_accuracy, 1);
}

TEST(Convert, ResultsComeBackAsTheyWere) {
  workers::WindowLabels labels;
  labels.labels = {{5, {{{1, 2, 3, 4}, 2, 0.5}}, false}, {9, {}, true}};
  labels.first_looks = {{{{1, 2, 3, 4}, 0, 1}}};
  labels.second_looks = {{}};
  labels.last = 9;
  const workers::WindowLabels same = Unpack(Pack(labels));
  ASSERT_EQ(same.labels.size(), 2U);
  EXPECT_EQ(same.labels[0].index, 5);
  EXPECT_FALSE(same.labels[0].uniform);
  EXPECT_EQ(same.labels[0].objects[0].box.height, 4);
  EXPECT_EQ(same.first_looks.size(), 1U);
  EXPECT_EQ(same.second_looks.size(), 1U);
  EXPECT_EQ(same.last, 9);

  const workers::IntervalTally tally{1, 2, {3, 4, 5}, 6, 1, 5, {7, 8}, 0.25};
  const workers::IntervalTally told = Unpack(Pack(tally));
  EXPECT_EQ(told.score.objects, 4);
  EXPECT_EQ(told.analyses_due, 5);
  EXPECT_EQ(told.class_counts, tally.class_counts);
  EXPECT_EQ(told.inference_cores, 0.25);

  const workers::StreamPulse pulse{true, false, "silent", 1.5, 0.25, 3, 40};
  const workers::StreamPulse beat = Unpack(Pack(pulse));
  EXPECT_TRUE(beat.gone);
  EXPECT_EQ(beat.why, "silent");
  EXPECT_EQ(beat.version, 3);
  EXPECT_EQ(beat.analysed, 40);
}

}  // namespace
}  // namespace ekya::processes
