#include "platform/registry/disk_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <string>
#include <thread>

#include "base/file.h"
#include "platform/registry/reaper.h"

namespace ekya::registry {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kPicture = 40'960;  // Whole blocks, so that sums are what they seem.

class DiskBudgetTest : public ::testing::Test {
 protected:
  DiskBudgetTest() {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~DiskBudgetTest() override {
    registry_.reset();
    if (mounted_) ::umount(root_.c_str());
    fs::remove_all(root_);
  }

  /// Puts a small disk where the data folder is; false where that is not allowed.
  bool MountSmallDisk(const char* size) {
    mounted_ = ::mount("ekya-test", root_.c_str(), "tmpfs", 0, size) == 0;
    return mounted_;
  }

  DiskBudget MakeBudget(const DiskKept& kept = {}, const Clock& clock = MonotonicClock()) {
    models_ = ModelStore::Open(folder_.Models()).value();
    if (!registry_) registry_ = Registry::Open(folder_.Registry()).value();
    return DiskBudget(folder_, *models_, registry_.get(), kept, clock);
  }

  static void Write(const fs::path& file, std::uint64_t bytes = kPicture) {
    ASSERT_TRUE(WriteFileAtomically(file, std::string(bytes, 'x')).ok()) << file;
  }

  /// What a window leaves of a stream.
  void WriteWindow(const std::string& stream, int window) {
    for (const char* name : {"0.jpg", "1.jpg"}) Write(folder_.Frames(stream, window) / name);
    Write(folder_.Samples(stream, window));
    Write(folder_.Trials(stream, window) / "weights.safetensors");
    Write(folder_.Labels(stream, window), 4096);
  }

  std::int64_t Publish(const std::string& stream) {
    Manifest manifest;
    manifest.stream = stream;
    manifest.accuracy = {0.9, 0.85, 0.94, 200, "truth"};
    manifest.verdict = Verdict::kPromoted;
    return models_
        ->Publish(manifest,
                  [](const fs::path& folder) -> Status {
                    EKYA_RETURN_IF_ERROR(
                        WriteFileAtomically(folder / "labels.txt", std::string("car\n")));
                    return WriteFileAtomically(folder / "weights.safetensors",
                                               std::string(kPicture, 'w'));
                  })
        .value();
  }

  static std::uint64_t Of(const std::vector<DiskUse>& use, const std::string& kind) {
    for (const DiskUse& one : use) {
      if (one.kind == kind) return one.bytes;
    }
    return 0;
  }

  static std::vector<std::string> Kinds(const std::vector<DiskUse>& use) {
    std::vector<std::string> kinds;
    for (const DiskUse& one : use) kinds.push_back(one.kind);
    return kinds;
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("ekya-disk-" + std::to_string(getpid()) + "-" +
                                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const DataFolder folder_{root_};
  std::optional<ModelStore> models_;
  std::unique_ptr<Registry> registry_;
  bool mounted_ = false;
};

TEST_F(DiskBudgetTest, SaysWhatLiesThere) {
  const DiskBudget budget = MakeBudget();
  WriteWindow("lobby", 3);
  WriteWindow("yard", 3);
  Publish("lobby");
  Write(folder_.Exemplars("lobby", 3));
  Write(folder_.Events() / "lobby.jsonl");
  const auto used = budget.Used();
  EXPECT_THAT(Kinds(used),
              ElementsAre("half-written files", "trials", "exemplars", "frames", "samples",
                          "models", "labels", "registry", "events", "other"));
  EXPECT_GE(Of(used, "frames"), 4 * kPicture);
  EXPECT_LT(Of(used, "frames"), 5 * kPicture);
  EXPECT_GE(Of(used, "models"), kPicture);
  EXPECT_GE(Of(used, "exemplars"), kPicture);
  EXPECT_GT(Of(used, "registry"), 0);
  EXPECT_EQ(Bytes(used), budget.UsedBytes());
}

TEST_F(DiskBudgetTest, TheOldestOfWhatMatteredLeastGoesFirst) {
  DiskBudget budget = MakeBudget({.windows = 2});
  for (int window = 8; window <= 12; ++window) {
    WriteWindow("lobby", window);
    WriteWindow("yard", window);
  }
  // Six past windows' trials, 8 to 10 of two streams; a little is asked for: the oldest one.
  EXPECT_THAT(Kinds(budget.Reap(1)), ElementsAre("trials"));
  EXPECT_FALSE(fs::exists(folder_.Trials("lobby", 8)));
  EXPECT_TRUE(fs::exists(folder_.Trials("yard", 8)));
  // More than all trials: then pictures, the oldest window's of both streams.
  EXPECT_THAT(Kinds(budget.Reap(5 * kPicture + 3 * kPicture)), ElementsAre("trials", "frames"));
  EXPECT_FALSE(fs::exists(folder_.Frames("lobby", 8)));
  EXPECT_FALSE(fs::exists(folder_.Frames("yard", 8)));
  EXPECT_TRUE(fs::exists(folder_.Frames("lobby", 9)));
  EXPECT_TRUE(fs::exists(folder_.Samples("lobby", 8)));
  // All there is: the newest two windows stay whole.
  budget.Reap(UINT64_MAX);
  for (const char* stream : {"lobby", "yard"}) {
    for (int window = 8; window <= 12; ++window) {
      const bool kept = window >= 11;
      EXPECT_EQ(fs::exists(folder_.Trials(stream, window)), kept) << window;
      EXPECT_EQ(fs::exists(folder_.Frames(stream, window) / "1.jpg"), kept) << window;
      EXPECT_EQ(fs::exists(folder_.Samples(stream, window)), kept) << window;
      EXPECT_EQ(fs::exists(folder_.Labels(stream, window)), kept) << window;
    }
  }
  EXPECT_THAT(budget.Reap(UINT64_MAX), IsEmpty());
}

TEST_F(DiskBudgetTest, AStreamThatIsGoneAgesWithTheOthers) {
  DiskBudget budget = MakeBudget({.windows = 2});
  WriteWindow("removed", 4);
  WriteWindow("lobby", 40);
  budget.Reap(UINT64_MAX);
  EXPECT_FALSE(fs::exists(folder_.Frames("removed", 4)));
  EXPECT_TRUE(fs::exists(folder_.Frames("lobby", 40)));
}

TEST_F(DiskBudgetTest, AStreamsNewestExemplarsStayHoweverOld) {
  DiskBudget budget = MakeBudget({.windows = 2});
  for (const int window : {1, 2, 3}) Write(folder_.Exemplars("removed", window));
  for (const int window : {2, 90}) Write(folder_.Exemplars("lobby", window));
  Write(folder_.Trials("lobby", 1).string() + "-e5-f100-d2-3.safetensors");
  Write(folder_.Trials("lobby", 90).string() + "-e5-f100-d2-3.safetensors");
  EXPECT_THAT(Kinds(budget.Reap(UINT64_MAX)), ElementsAre("trials", "exemplars"));
  EXPECT_FALSE(fs::exists(folder_.Exemplars("removed", 1)));
  EXPECT_TRUE(fs::exists(folder_.Exemplars("removed", 2)));
  EXPECT_TRUE(fs::exists(folder_.Exemplars("removed", 3)));
  EXPECT_TRUE(fs::exists(folder_.Exemplars("lobby", 2)));
  EXPECT_TRUE(fs::exists(folder_.Trials("lobby", 90).string() + "-e5-f100-d2-3.safetensors"));
  EXPECT_FALSE(fs::exists(folder_.Trials("lobby", 1).string() + "-e5-f100-d2-3.safetensors"));
}

TEST_F(DiskBudgetTest, ModelsThatServeOrMayServeStay) {
  DiskBudget budget = MakeBudget({.versions = 2});
  for (int i = 0; i < 9; ++i) Publish("lobby");
  for (int i = 0; i < 3; ++i) Publish("yard");
  ASSERT_TRUE(models_->Point("lobby", Alias::kServing, 3).ok());
  ASSERT_TRUE(models_->Point("lobby", Alias::kServing, 5).ok());
  ASSERT_TRUE(models_->Point("lobby", Alias::kCandidate, 7).ok());
  ASSERT_TRUE(registry_->SetPin({"lobby", 2, 1000}).ok());
  // A part of it: the oldest go, and yard gives what it can.
  const auto some = budget.Reap(2 * kPicture);
  EXPECT_THAT(Kinds(some), ElementsAre("models"));
  EXPECT_THAT(models_->Versions("lobby"), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(models_->Versions("yard"), ElementsAre(2, 3));
  budget.Reap(UINT64_MAX);
  EXPECT_THAT(models_->Versions("lobby"), ElementsAre(2, 3, 5, 7, 8, 9));
  EXPECT_TRUE(models_->Load("lobby", 5).ok());
}

TEST_F(DiskBudgetTest, TheRegistryGivesItsOldRowsAndTheirPlace) {
  DiskBudget budget = MakeBudget({.registry_seconds = 1000});
  const std::int64_t run = registry_->BeginRun({0, 0, 0, "thief", 1, 200}, {}).value();
  for (int i = 0; i < 60; ++i) {
    WindowEntry window;
    window.run = run;
    window.window = i;
    window.end_seconds = 1000 + 200.0 * i;
    window.decisions = {{window.end_seconds, "start", std::string(20'000, 's'), "{}"}};
    ASSERT_TRUE(registry_->RecordWindow(window).ok());
  }
  const auto gone = budget.Reap(200'000);
  EXPECT_THAT(Kinds(gone), ElementsAre("registry"));
  EXPECT_GE(Bytes(gone), 200'000);
  const auto left = registry_->Windows(100, std::nullopt).value();
  EXPECT_LT(left.size(), 60);
  EXPECT_GT(left.size(), 20) << "not more than had to go";
  EXPECT_EQ(left.front().window, 59);
  budget.Reap(UINT64_MAX);
  // The newest 1000 s stay.
  EXPECT_THAT(registry_->Windows(100, std::nullopt).value(), SizeIs(6));
}

TEST_F(DiskBudgetTest, OldEventFilesGoAndTheOneThatIsWrittenStays) {
  DiskBudget budget = MakeBudget();
  const auto now = fs::file_time_type::clock::now();
  for (const char* name : {"lobby~2.jsonl", "lobby~10.jsonl", "lobby.jsonl"}) {
    Write(folder_.Events() / name);
  }
  fs::last_write_time(folder_.Events() / "lobby~2.jsonl", now - std::chrono::hours(2));
  fs::last_write_time(folder_.Events() / "lobby~10.jsonl", now - std::chrono::hours(1));
  budget.Reap(1);
  EXPECT_FALSE(fs::exists(folder_.Events() / "lobby~2.jsonl"));
  EXPECT_TRUE(fs::exists(folder_.Events() / "lobby~10.jsonl"));
  budget.Reap(UINT64_MAX);
  EXPECT_FALSE(fs::exists(folder_.Events() / "lobby~10.jsonl"));
  EXPECT_TRUE(fs::exists(folder_.Events() / "lobby.jsonl"));
}

TEST_F(DiskBudgetTest, WhatAKillLeftGoesFirst) {
  VirtualClock clock;
  DiskBudget budget = MakeBudget({}, clock);
  WriteWindow("lobby", 1);
  const fs::path old = folder_.Frames("lobby", 1) / ".2.jpg.77.0.tmp";
  const fs::path fresh = folder_.Frames("lobby", 1) / ".3.jpg.77.1.tmp";
  Write(old);
  // The system's clock has jumped: the file is not written for longer than it was before.
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_THAT(budget.Reap(UINT64_MAX), IsEmpty()) << "it may be written right now";
  EXPECT_TRUE(fs::exists(old));
  clock.SleepUntil(2 * 3600);
  Write(fresh);
  const fs::path half = folder_.Stream("lobby") / "frames" / ".reaped-0";
  Write(half / "0.jpg");
  const auto gone = budget.Reap(UINT64_MAX);
  EXPECT_THAT(Kinds(gone), ElementsAre("half-written files"));
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(fs::exists(half));
  EXPECT_TRUE(fs::exists(fresh)) << "it may be written right now";
}

TEST_F(DiskBudgetTest, WhatIsNotOursStays) {
  DiskBudget budget = MakeBudget({.windows = 0});
  Write(folder_.Stream("lobby") / "frames" / "12x.txt");
  Write(folder_.Stream("lobby") / "frames" / "readme");
  Write(root_ / "report.html");
  EXPECT_THAT(budget.Reap(UINT64_MAX), IsEmpty());
  EXPECT_TRUE(fs::exists(folder_.Stream("lobby") / "frames" / "12x.txt"));
}

TEST_F(DiskBudgetTest, IsKeptByTheReaper) {
  DiskBudget budget = MakeBudget({.windows = 1});
  for (int window = 0; window < 20; ++window) WriteWindow("lobby", window);
  const std::uint64_t most = budget.UsedBytes() / 2;
  std::promise<Reaped> told;
  std::atomic<int> calls = 0;
  {
    Reaper reaper(&budget, {.max_bytes = most, .every_seconds = 0.01}, [&](const Reaped& reaped) {
      if (++calls == 1) told.set_value(reaped);
    });
    const Reaped reaped = told.get_future().get();
    EXPECT_TRUE(reaped.enough);
    EXPECT_GT(reaped.used_bytes, most);
    EXPECT_LE(budget.UsedBytes(), most);
    EXPECT_GT(budget.UsedBytes(), most / 2) << "not much more than had to";
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(calls, 1);
}

TEST_F(DiskBudgetTest, TheReaperSaysOnceThatNothingMoreCanGo) {
  DiskBudget budget = MakeBudget();
  Write(folder_.Exemplars("lobby", 1));
  std::atomic<int> calls = 0;
  std::atomic<bool> enough = true;
  {
    Reaper reaper(&budget, {.max_bytes = 1000, .every_seconds = 60}, [&](const Reaped& reaped) {
      ++calls;
      enough = reaped.enough;
    });
    for (int i = 0; i < 5; ++i) {
      reaper.Wake();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(enough);
  EXPECT_TRUE(fs::exists(folder_.Exemplars("lobby", 1)));
}

TEST_F(DiskBudgetTest, KeepsSpaceFreeOnAFullDisk) {
  if (!MountSmallDisk("size=8m")) GTEST_SKIP() << "no small disk: " << std::strerror(errno);
  DiskBudget budget = MakeBudget({.windows = 1});
  Status full;
  int window = 0;
  while (full.ok()) {
    for (int i = 0; i < 4 && full.ok(); ++i) {
      full = WriteFileAtomically(folder_.Frames("lobby", window) / (std::to_string(i) + ".jpg"),
                                 std::string(kPicture, 'x'));
    }
    ++window;
  }
  EXPECT_LT(fs::space(root_).available, kPicture);
  const Reaped reaped = ReapOnce(budget, {.keep_free = 2 << 20});
  EXPECT_TRUE(reaped.enough);
  EXPECT_GE(fs::space(root_).available, 2 << 20);
  EXPECT_THAT(Kinds(reaped.gone), ElementsAre("frames"));
  EXPECT_TRUE(registry_->RecordEvent({0, 1, "", "disk full", ""}).ok());
}

TEST(DescribeTest, IsForPeople) {
  EXPECT_EQ(Describe(std::vector<DiskUse>{
                {"frames", 3'140'000'000}, {"trials", 2'500'000}, {"events", 4'096}}),
            "3.1 GB of frames, 2.5 MB of trials, 4 kB of events");
  EXPECT_EQ(Describe(std::vector<DiskUse>{}), "nothing");
}

}  // namespace
}  // namespace ekya::registry
