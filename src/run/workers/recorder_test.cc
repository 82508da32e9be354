#include "run/workers/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "core/schedule.h"

namespace ekya::workers {
namespace {

using ::testing::SizeIs;

class RecorderTest : public ::testing::Test {
 protected:
  RecorderTest() { std::filesystem::remove_all(folder_); }
  ~RecorderTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("ekya-recorder-" + std::to_string(getpid()) + "-" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(RecorderTest, TurnsRunTimesIntoEpochSecondsAndKeepsReasons) {
  Recorder recorder(folder_ / "registry.db");
  recorder.Begin(1e9, "planner", 3, 30, {{"lobby", "classification", {"free", "busy"}}});
  window::WindowRecord window;
  window.window = 2;
  window.start_seconds = 30;
  window.end_seconds = 60;
  window.profiles["lobby"] = {{"all/10", 0.9, 5, 0.01}};
  window::Decision decision;
  decision.time_seconds = 31;
  decision.reason = "window start";
  decision.schedule.scheduler = "planner";
  window.decisions = {decision};
  window.retrainings = {{"lobby", "all/10", 31, 45, 0.9, 5, 0.02, 0.91, 4.5, "swapped"}};
  window.corrections = {{40, "lobby", "all/10", "device_seconds", 5, 7.5}};
  window.warnings = {"yard: no frame for 5 s"};
  recorder.Window(window);
  window::StreamInterval judged;
  judged.from_seconds = 30;
  judged.to_seconds = 31;
  judged.frames = 10;
  judged.accuracy = 0.9;
  judged.class_counts = {100, 60};
  window::StreamInterval blind = judged;
  blind.accuracy = -1;
  blind.from_seconds = 31;
  blind.to_seconds = 32;
  window::StreamRecord lobby;
  lobby.id = "lobby";
  lobby.accuracy_source = "truth";
  lobby.intervals = {judged, blind};
  recorder.Accuracies(lobby, 31, {{0, 1}, {30, 2}, {40, 3}});
  // What is known better now takes its place.
  lobby.intervals[1].accuracy = 0.8;
  recorder.Accuracies(lobby, 30, {{0, 1}, {30, 2}, {40, 3}});
  recorder.Event("yard", "camera stalled", "5 s");
  recorder.End();

  const auto registry = registry::Registry::OpenToRead(folder_ / "registry.db").value();
  EXPECT_GT(registry->Runs(1)->at(0).ended_seconds, 1e9);
  const auto windows = registry->Windows(9, std::nullopt).value();
  ASSERT_THAT(windows, SizeIs(1));
  EXPECT_EQ(windows[0].start_seconds, 1e9 + 30);
  EXPECT_EQ(windows[0].retrainings[0].end_seconds, 1e9 + 45);
  ASSERT_THAT(windows[0].corrections, SizeIs(1));
  EXPECT_EQ(windows[0].corrections[0].time_seconds, 1e9 + 40);
  EXPECT_EQ(windows[0].corrections[0].corrected, 7.5);
  EXPECT_EQ(windows[0].profiles[0].spread, 0.01);
  ASSERT_THAT(windows[0].decisions, SizeIs(1));
  EXPECT_EQ(ReadSchedule(windows[0].decisions[0].schedule, "registry")->scheduler, "planner");
  const auto accuracies = registry->Accuracies("lobby", 9).value();
  ASSERT_THAT(accuracies, SizeIs(2));
  EXPECT_EQ(accuracies[0].accuracy.accuracy, 0.8);
  EXPECT_EQ(accuracies[1].version, 2);
  EXPECT_EQ(accuracies[1].accuracy.samples, 160);
  EXPECT_LT(accuracies[1].accuracy.low, 0.9);
  EXPECT_GT(accuracies[1].accuracy.high, 0.9);
  const auto events = registry->Events(9).value();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].detail, "yard: no frame for 5 s");
  EXPECT_EQ(recorder.Pinned("lobby"), 0);
  ASSERT_TRUE(
      registry::Registry::Open(folder_ / "registry.db").value()->SetPin({"lobby", 4, 1}).ok());
  EXPECT_EQ(recorder.Pinned("lobby"), 4);
  ASSERT_TRUE(registry::Registry::Open(folder_ / "registry.db").value()->Unpin("lobby").ok());
  EXPECT_EQ(recorder.Pinned("lobby"), 0);
}

TEST_F(RecorderTest, ARunGoesOnWhereItIsWhateverTheSystemsClockSays) {
  const double now = EpochSeconds();
  {
    // Its start lies in the future of the system's clock: that has been set back since.
    Recorder recorder(folder_ / "registry.db");
    recorder.Begin(now + 86400, "planner", 3, 30, {});
  }
  Recorder recorder(folder_ / "registry.db");
  const auto killed = recorder.Killed();
  ASSERT_TRUE(killed);
  recorder.Continue(*killed);
  EXPECT_GE(recorder.Elapsed(), 0);
  EXPECT_LT(recorder.Elapsed(), 60);
  recorder.Event("lobby", "camera stalled", "5 s");
  const auto events = recorder.registry()->Events(9).value();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].kind, "camera stalled");
  EXPECT_NEAR(events[0].time_seconds, now + 86400, 60);
  EXPECT_EQ(events[1].kind, "run goes on");
  EXPECT_EQ(events[2].kind, "system clock jumped");
  EXPECT_THAT(events[2].detail, ::testing::HasSubstr("by -86400 s"));
}

TEST_F(RecorderTest, AfterARestartOfTheMachineARunNeverGoesBackBeforeItsLastWindow) {
  const double now = EpochSeconds();
  {
    const auto registry = registry::Registry::Open(folder_ / "registry.db").value();
    // The battery of the clock is empty: it is earlier now than when the run began.
    const auto run =
        registry->BeginRun({0, now + 1000, 0, "planner", 3, 30, "another boot", 5}, {}).value();
    registry::WindowEntry window;
    window.run = run;
    window.window = 7;
    window.start_seconds = now + 1180;
    window.end_seconds = now + 1210;
    ASSERT_TRUE(registry->RecordWindow(window).ok());
  }
  Recorder recorder(folder_ / "registry.db");
  recorder.Continue(*recorder.Killed());
  EXPECT_GE(recorder.Elapsed(), 210);
  EXPECT_LT(recorder.Elapsed(), 270);
}

TEST_F(RecorderTest, ARunGoesOnWithoutARegistry) {
  std::ofstream(folder_) << "a file where the folder should be";
  Recorder recorder(folder_ / "registry.db");
  recorder.Begin(1e9, "planner", 3, 30, {});
  recorder.Window({});
  recorder.Event("", "started", "");
  EXPECT_EQ(recorder.Pinned("lobby"), 0);
  recorder.End();
}

}  // namespace
}  // namespace ekya::workers
