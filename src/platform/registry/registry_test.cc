#include "platform/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include "base/file.h"
#include "base/random.h"
#include "platform/registry/internal/database.h"

namespace ekya::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() { std::filesystem::remove_all(folder_); }
  ~RegistryTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Registry> Open() const { return Registry::Open(file_).value(); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("ekya-registry-" + std::to_string(getpid()) + "-" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::filesystem::path file_ = folder_ / "registry.db";
};

WindowEntry Window(std::int64_t run, int number) {
  WindowEntry window;
  window.run = run;
  window.window = number;
  window.start_seconds = 1000 + 200.0 * number;
  window.end_seconds = window.start_seconds + 200;
  window.labelling_seconds = 1.5;
  window.profiles = {{"lobby", "all/10", 0.8, 12, 0.02}};
  window.decisions = {{window.start_seconds + 2, "window start", "{\"a\": 1}", "{\"b\": 2}"},
                      {window.start_seconds + 90, "retraining of lobby done", "{}", "{}"}};
  window.retrainings = {{"lobby", "all/10", window.start_seconds + 2, window.start_seconds + 90,
                         0.8, 12, 0.82, 11, "swapped"}};
  window.corrections = {{window.start_seconds + 30, "lobby", "all/10", "device_seconds", 12, 15.5}};
  return window;
}

TEST_F(RegistryTest, GivesBackWhatWasRecorded) {
  const auto registry = Open();
  EXPECT_TRUE(registry->put_aside().empty());
  const std::int64_t run = registry
                               ->BeginRun({0, 1000, 0, "planner", 7, 200},
                                          {{"lobby", "detection", {"car", "bus \"red\""}}})
                               .value();
  ASSERT_TRUE(registry->RecordWindow(Window(run, 3)).ok());
  ASSERT_TRUE(registry->RecordWindow(Window(run, 4)).ok());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ASSERT_TRUE(
      registry
          ->RecordAccuracies({{"lobby", 2, 1600, 1610, 100, 3, {0.75, 0.7, 0.8, 90, "golden"}},
                              {"lobby", 2, 1610, 1620, 100, 0, {nan, 0, 1, 0, "golden"}},
                              {"yard", 1, 1610, 1620, 50, 0, {0.5, 0.4, 0.6, 50, "truth"}}})
          .ok());
  ASSERT_TRUE(registry->RecordEvent({0, 1650, "lobby", "camera stalled", "5 s"}).ok());
  ASSERT_TRUE(registry->EndRun(run, 2000).ok());

  const auto reader = Registry::OpenToRead(file_).value();
  const auto runs = reader->Runs(10).value();
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_EQ(runs[0].scheduler, "planner");
  EXPECT_EQ(runs[0].seed, 7U);
  EXPECT_EQ(runs[0].ended_seconds, 2000);
  const auto streams = reader->Streams().value();
  ASSERT_THAT(streams, SizeIs(1));
  EXPECT_THAT(streams[0].classes, ElementsAre("car", "bus \"red\""));
  const auto windows = reader->Windows(10, std::nullopt).value();
  ASSERT_THAT(windows, SizeIs(2));
  EXPECT_EQ(windows[0].window, 4);
  EXPECT_EQ(windows[0].profiles[0].configuration, "all/10");
  EXPECT_EQ(windows[0].decisions[1].reason, "retraining of lobby done");
  EXPECT_EQ(windows[0].decisions[0].schedule, "{\"b\": 2}");
  EXPECT_EQ(windows[0].retrainings[0].achieved_accuracy, 0.82);
  EXPECT_THAT(reader->Windows(10, 3).value(), SizeIs(1));
  EXPECT_THAT(reader->Windows(10, 5).value(), IsEmpty());
  const auto accuracies = reader->Accuracies("lobby", 10).value();
  ASSERT_THAT(accuracies, SizeIs(2));
  EXPECT_TRUE(std::isnan(accuracies[0].accuracy.accuracy));
  EXPECT_EQ(accuracies[1].accuracy.low, 0.7);
  EXPECT_EQ(accuracies[1].frames_skipped, 3);
  EXPECT_EQ(reader->Events(1).value()[0].detail, "5 s");
  EXPECT_FALSE(reader->RecordEvent({}).ok()) << "a reader must not write";
}

TEST_F(RegistryTest, KeepsTheNewestWordOnModelsAndPins) {
  const auto registry = Open();
  Manifest model;
  model.stream = "lobby";
  model.version = 2;
  model.accuracy.source = "truth";
  ASSERT_TRUE(registry->RecordModel(model).ok());
  model.verdict = Verdict::kRejected;
  model.reason = "worse by 3 points";
  ASSERT_TRUE(registry->RecordModel(model).ok());
  const auto models = registry->Models("lobby", 10).value();
  ASSERT_THAT(models, SizeIs(1));
  EXPECT_EQ(models[0].reason, "worse by 3 points");
  EXPECT_FALSE(registry->PinOf("lobby")->has_value());
  ASSERT_TRUE(registry->SetPin({"lobby", 1, 1000}).ok());
  ASSERT_TRUE(registry->SetPin({"lobby", 2, 1001}).ok());
  EXPECT_EQ(registry->PinOf("lobby")->value().version, 2);
  ASSERT_TRUE(registry->Unpin("lobby").ok());
  EXPECT_FALSE(registry->PinOf("lobby")->has_value());
}

TEST_F(RegistryTest, ForgetsWhatIsOld) {
  const auto registry = Open();
  const std::int64_t run = registry->BeginRun({0, 1000, 0, "thief", 0, 200}, {}).value();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(registry->RecordWindow(Window(run, i)).ok());
  ASSERT_TRUE(registry->RecordEvent({0, 1100, "", "started", ""}).ok());
  ASSERT_TRUE(registry->Forget(1650).ok());
  const auto windows = registry->Windows(10, std::nullopt).value();
  ASSERT_THAT(windows, SizeIs(2));
  EXPECT_EQ(windows.back().window, 3);
  EXPECT_THAT(windows.back().profiles, SizeIs(1));
  EXPECT_THAT(registry->Events(10).value(), IsEmpty());
  EXPECT_THAT(registry->Runs(10).value(), SizeIs(1));
}

TEST_F(RegistryTest, PutsADamagedFileAsideAndGoesOn) {
  std::filesystem::create_directories(folder_);
  std::ofstream(file_) << std::string(5000, 'x');
  const auto registry = Open();
  EXPECT_THAT(registry->put_aside().string(), HasSubstr("registry.db.damaged-"));
  EXPECT_EQ(ReadFile(registry->put_aside()).value(), std::string(5000, 'x'));
  EXPECT_TRUE(registry->BeginRun({0, 1000, 0, "thief", 0, 200}, {}).ok());
}

TEST_F(RegistryTest, PutsAFileWithDamagedPagesAside) {
  {
    const auto registry = Open();
    const std::int64_t run = registry->BeginRun({0, 1000, 0, "thief", 0, 200}, {}).value();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(registry->RecordWindow(Window(run, i)).ok());
  }
  const auto size = std::filesystem::file_size(file_);
  ASSERT_GT(size, 40'000U);
  {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192);
    file << std::string(size - 8192, '\xff');
  }
  EXPECT_FALSE(Open()->put_aside().empty());
  EXPECT_TRUE(Open()->put_aside().empty());
}

TEST_F(RegistryTest, RefusesWhatANewerEkyaWrote) {
  { Open(); }
  std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(63);  // Last byte of the user version (SQLite file format, section 1.3).
  file.put(9);
  file.close();
  const auto registry = Registry::Open(file_);
  ASSERT_FALSE(registry.ok());
  EXPECT_EQ(registry.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(registry.error().message, HasSubstr("found schema version 9, expected at most 3"));
}

TEST_F(RegistryTest, BringsAnOlderFileUpToDate) {
  const std::int64_t run = Open()->BeginRun({0, 1000, 0, "thief", 7, 200}, {}).value();
  ASSERT_TRUE(Open()->RecordWindow(Window(run, 1)).ok());
  {
    // As the first schema had it.
    auto database = internal::Database::Open(file_, internal::Database::Mode::kWrite).value();
    ASSERT_TRUE(database
                    .Execute("drop table corrections; alter table runs drop column boot; "
                             "alter table runs drop column boot_seconds; "
                             "pragma user_version = 1")
                    .ok());
  }
  const auto read = Registry::OpenToRead(file_).value()->Windows(1, std::nullopt);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(read->front().corrections, IsEmpty());
  EXPECT_THAT(read->front().profiles, SizeIs(1));
  const auto registry = Open();
  ASSERT_TRUE(registry->RecordWindow(Window(run, 2)).ok());
  const auto windows = registry->Windows(2, std::nullopt).value();
  EXPECT_EQ(windows.at(0).corrections.at(0).corrected, 15.5);
  EXPECT_THAT(windows.at(1).retrainings, SizeIs(1));
  EXPECT_TRUE(registry->put_aside().empty());
}

TEST_F(RegistryTest, ReadersSayWhatIsMissing) {
  EXPECT_THAT(Registry::OpenToRead(file_).error().message, HasSubstr("nothing ran here yet"));
}

TEST_F(RegistryTest, LosesNothingThatWasAcknowledgedWhenKilled) {
  Random random(3);
  const std::filesystem::path told = folder_ / "told";
  std::filesystem::create_directories(folder_);
  std::size_t acknowledged = 0;
  for (int kill_number = 0; kill_number < 15; ++kill_number) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto registry = Registry::Open(file_).value();
      std::ofstream tell(told, std::ios::app);
      while (registry->RecordEvent({0, 1, "lobby", "tick", ""}).ok()) tell << "." << std::flush;
      _exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random.Below(60)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    std::error_code code;
    const auto size = std::filesystem::file_size(told, code);
    acknowledged = code ? 0 : static_cast<std::size_t>(size);
    const auto registry = Open();
    EXPECT_TRUE(registry->put_aside().empty());
    EXPECT_GE(registry->Events(1'000'000)->size(), acknowledged);
  }
  EXPECT_GT(acknowledged, 10U);
}

TEST_F(RegistryTest, IsReadWhileItIsWritten) {
  const auto registry = Open();
  ASSERT_TRUE(registry->RecordEvent({0, 0, "", "first", ""}).ok());
  const auto reader = Registry::OpenToRead(file_).value();
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(registry->RecordEvent({0, 1, "", "tick", ""}).ok());
  });
  std::size_t seen = 0;
  while (seen < 101) {
    const auto events = reader->Events(1000);
    ASSERT_TRUE(events.ok()) << events.error().message;
    EXPECT_GE(events->size(), seen);
    seen = events->size();
  }
  writer.join();
}

}  // namespace
}  // namespace ekya::registry
