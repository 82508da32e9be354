#include "run/simulator/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "base/file.h"

namespace ekya::simulator {
namespace {

using ::testing::HasSubstr;

Trace SweptTrace() {
  Trace trace;
  trace.window_seconds = 100;
  for (int s = 0; s < 4; ++s) {
    TracedStream stream;
    stream.id = "s" + std::to_string(s);
    stream.inference = {{"every-1", 0.3, 1.0}, {"every-2", 0.15, 0.8}};
    for (int w = 0; w < 2; ++w) {
      TracedWindow window;
      window.accuracy = 0.6;
      TracedRetraining retraining;
      retraining.id = "r";
      retraining.accuracy = retraining.estimated_accuracy = 0.7 + 0.05 * s;
      retraining.device_seconds = retraining.estimated_device_seconds = 7.3 + s;
      window.retraining = {retraining};
      stream.windows.push_back(window);
    }
    trace.streams.push_back(stream);
  }
  return trace;
}

std::vector<SimulationSettings> Runs() {
  std::vector<SimulationSettings> runs;
  for (const char* scheduler : {"none", "thief", "exact"}) {
    for (const int devices : {1, 2}) {
      for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        SimulationSettings settings;
        settings.scheduler = scheduler;
        settings.devices = devices;
        settings.streams = 3;
        settings.noise = 0.1;
        settings.seed = seed;
        runs.push_back(settings);
      }
    }
  }
  return runs;
}

std::string Text(const std::vector<SweepRow>& rows) {
  std::string text;
  for (const SweepRow& row : rows) {
    text += Describe(row.settings) + " " + std::to_string(row.mean_accuracy) + " " +
            std::to_string(row.retraining_device_seconds) + " " + std::to_string(row.swaps) + "\n";
  }
  return text;
}

class SweepJournal : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(::testing::TempDir()) / "ekya-sweep-test" / "rows.journal";
    std::filesystem::remove_all(path_.parent_path());
  }
  void TearDown() override { std::filesystem::remove_all(path_.parent_path()); }
  std::filesystem::path path_;
};

TEST(Sweep, RowsDependOnNoNumberOfThreads) {
  SweepSettings one;
  one.threads = 1;
  SweepSettings many;
  many.threads = 4;
  const auto alone = Sweep(SweptTrace(), Runs(), one);
  const auto together = Sweep(SweptTrace(), Runs(), many);
  ASSERT_TRUE(alone.ok() && together.ok());
  ASSERT_EQ(alone->size(), 12u);
  EXPECT_EQ(Text(*alone), Text(*together));
  EXPECT_GT((*alone)[4].mean_accuracy, (*alone)[0].mean_accuracy);
}

TEST_F(SweepJournal, GoesOnWhereItWasInterrupted) {
  SweepSettings settings;
  settings.journal = path_;
  std::atomic<int> simulated{0};
  settings.progress = [&](std::size_t, std::size_t) { ++simulated; };
  const auto first = Sweep(SweptTrace(), Runs(), settings);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(simulated, 12);

  // Five whole lines and a half, as a killed process leaves them.
  const std::string journal = *ReadFile(path_);
  std::size_t end = 0;
  for (int line = 0; line < 5; ++line) end = journal.find('\n', end) + 1;
  std::ofstream(path_, std::ios::binary) << journal.substr(0, end + 40);
  simulated = 0;
  const auto second = Sweep(SweptTrace(), Runs(), settings);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(simulated, 7);
  EXPECT_EQ(Text(*first), Text(*second));
  simulated = 0;
  ASSERT_TRUE(Sweep(SweptTrace(), Runs(), settings).ok());
  EXPECT_EQ(simulated, 0);
}

TEST_F(SweepJournal, AnotherTraceOrSettingIsAnotherRun) {
  SweepSettings settings;
  settings.journal = path_;
  int simulated = 0;
  settings.threads = 1;
  settings.progress = [&](std::size_t, std::size_t) { ++simulated; };
  ASSERT_TRUE(Sweep(SweptTrace(), Runs(), settings).ok());
  simulated = 0;
  Trace other = SweptTrace();
  other.streams[0].windows[0].accuracy = 0.59;
  ASSERT_TRUE(Sweep(other, Runs(), settings).ok());
  EXPECT_EQ(simulated, 12);
  simulated = 0;
  std::vector<SimulationSettings> runs = Runs();
  runs[3].noise = 0.2;
  ASSERT_TRUE(Sweep(SweptTrace(), runs, settings).ok());
  EXPECT_EQ(simulated, 1);
}

TEST_F(SweepJournal, SaysWhereItCannotWrite) {
  std::filesystem::create_directories(path_);  // A folder in the journal's place.
  SweepSettings settings;
  settings.journal = path_;
  const auto rows = Sweep(SweptTrace(), Runs(), settings);
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("rows.journal"));
}

TEST(Sweep, TheFirstFailureNamesItsRun) {
  std::vector<SimulationSettings> runs = Runs();
  runs[5].scheduler = "clairvoyant";
  const auto rows = Sweep(SweptTrace(), runs, {});
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("clairvoyant devices=1"));
  EXPECT_TRUE(Sweep(SweptTrace(), {}, {}).ok());
}

}  // namespace
}  // namespace ekya::simulator
