#include "platform/registry/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/random.h"

namespace ekya::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ModelStoreTest : public ::testing::Test {
 protected:
  ModelStoreTest() { std::filesystem::remove_all(root_); }
  ~ModelStoreTest() override { std::filesystem::remove_all(root_); }

  ModelStore Open() const { return ModelStore::Open(root_).value(); }

  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() /
      ("ekya-model-store-" + std::to_string(getpid()) + "-" +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

Manifest ManifestOf(const std::string& stream, Verdict verdict = Verdict::kPromoted) {
  Manifest manifest;
  manifest.stream = stream;
  manifest.window = 3;
  manifest.configuration = "all/10";
  manifest.accuracy = {0.9, 0.85, 0.94, 200, "truth"};
  manifest.device_seconds = 1.5;
  manifest.verdict = verdict;
  manifest.reason = "better by 4 points";
  manifest.created_seconds = 1.7e9;
  return manifest;
}

/// Writes what a model is made of.
auto Files(const std::string& weights) {
  return [weights](const std::filesystem::path& folder) -> Status {
    EKYA_RETURN_IF_ERROR(WriteFileAtomically(folder / "weights.safetensors", weights));
    return WriteFileAtomically(folder / "labels.txt", "car\nbus\n");
  };
}

void Damage(const std::filesystem::path& file) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.put('\x7f');
}

TEST_F(ModelStoreTest, PublishesPointsAndLoads) {
  ModelStore store = Open();
  EXPECT_EQ(store.Publish(ManifestOf("lobby", Verdict::kFirst), Files("one")).value(), 1);
  Manifest second = ManifestOf("lobby");
  second.parent = 1;
  second.temperature = 1.75;
  second.classes = {"busy", "free", "snow"};
  EXPECT_EQ(store.Publish(second, Files("two")).value(), 2);
  ASSERT_TRUE(store.Point("lobby", Alias::kServing, 1).ok());
  ASSERT_TRUE(store.Point("lobby", Alias::kServing, 2).ok());
  EXPECT_EQ(store.Pointed("lobby", Alias::kServing), 2);
  EXPECT_EQ(store.Pointed("lobby", Alias::kPrevious), 1);
  EXPECT_EQ(store.Pointed("lobby", Alias::kCandidate), 0);
  // Serving the same again does not forget the one before.
  ASSERT_TRUE(store.Point("lobby", Alias::kServing, 2).ok());
  EXPECT_EQ(store.Pointed("lobby", Alias::kPrevious), 1);

  const ModelStore reader = ModelStore::OpenToRead(root_).value();
  EXPECT_THAT(reader.Streams(), ElementsAre("lobby"));
  EXPECT_THAT(reader.Versions("lobby"), ElementsAre(1, 2));
  const StoredModel model = reader.LoadNewest("lobby").value();
  EXPECT_EQ(model.manifest.version, 2);
  EXPECT_EQ(model.manifest.parent, 1);
  EXPECT_EQ(model.manifest.temperature, 1.75);
  EXPECT_EQ(reader.Describe("lobby", 1)->temperature, 1);
  EXPECT_THAT(model.manifest.classes, ElementsAre("busy", "free", "snow"));
  EXPECT_THAT(reader.Describe("lobby", 1)->classes, IsEmpty());
  EXPECT_EQ(model.manifest.configuration, "all/10");
  EXPECT_EQ(model.manifest.accuracy.low, 0.85);
  EXPECT_EQ(ReadFile(model.folder / "weights.safetensors").value(), "two");
}

TEST_F(ModelStoreTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(ModelStore::OpenToRead(root_).error().code, ErrorCode::kNotFound);
  ModelStore store = Open();
  EXPECT_THAT(store.Streams(), IsEmpty());
  EXPECT_EQ(store.Point("lobby", Alias::kServing, 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store.Load("lobby", 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store.LoadNewest("lobby").error().code, ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, LeavesNothingOfAVersionThatCouldNotBeWritten) {
  ModelStore store = Open();
  const auto published = store.Publish(ManifestOf("lobby"), [](const auto& folder) -> Status {
    EKYA_RETURN_IF_ERROR(WriteFileAtomically(folder / "weights.safetensors", "one"));
    return Error{ErrorCode::kFailed, "no space left"};
  });
  EXPECT_EQ(published.error().message, "no space left");
  EXPECT_TRUE(std::filesystem::is_empty(root_ / "lobby"));
}

TEST_F(ModelStoreTest, PassesOverDamagedVersions) {
  ModelStore store = Open();
  for (const char* weights : {"one", "two", "three"}) {
    const std::int64_t version = store.Publish(ManifestOf("lobby"), Files(weights)).value();
    ASSERT_TRUE(store.Point("lobby", Alias::kServing, version).ok());
  }
  Damage(root_ / "lobby/3/weights.safetensors");
  EXPECT_THAT(store.Load("lobby", 3).error().message, HasSubstr("weights.safetensors: damaged"));
  std::vector<std::string> passed_over;
  const auto remember = [&](const Error& error) { passed_over.push_back(error.message); };
  EXPECT_EQ(store.LoadNewest("lobby", remember)->manifest.version, 2);
  EXPECT_THAT(passed_over, ElementsAre(HasSubstr("lobby/3/weights.safetensors")));
  // Neither link leads to a whole one.
  std::ofstream(root_ / "lobby/2/manifest.json") << R"({"format": "ekya-mo)";
  EXPECT_EQ(store.LoadNewest("lobby")->manifest.version, 1);
  std::filesystem::resize_file(root_ / "lobby/1/labels.txt", 2);
  EXPECT_EQ(store.LoadNewest("lobby").error().code, ErrorCode::kNotFound);
  // A number whose version is damaged is not used again.
  EXPECT_EQ(store.Publish(ManifestOf("lobby"), Files("four")).value(), 4);
}

TEST_F(ModelStoreTest, FallsBackOnlyOnWhatWasPromoted) {
  ModelStore store = Open();
  ASSERT_TRUE(store.Publish(ManifestOf("lobby", Verdict::kFirst), Files("one")).ok());
  ASSERT_TRUE(store.Publish(ManifestOf("lobby", Verdict::kCandidate), Files("two")).ok());
  ASSERT_TRUE(store.Publish(ManifestOf("lobby", Verdict::kRejected), Files("three")).ok());
  EXPECT_EQ(store.LoadNewest("lobby")->manifest.version, 1);
  ASSERT_TRUE(store.Decide("lobby", 2, Verdict::kPromoted, "better").ok());
  EXPECT_EQ(store.LoadNewest("lobby")->manifest.version, 2);
  EXPECT_EQ(store.Describe("lobby", 2)->reason, "better");
}

TEST_F(ModelStoreTest, NamesOfStreamsStayApartAndInside) {
  ModelStore store = Open();
  const std::vector<std::string> streams = {"../evil", "a/b", "a%2fb", ".hidden", "café", ".."};
  for (const std::string& stream : streams) {
    ASSERT_TRUE(store.Publish(ManifestOf(stream), Files(stream)).ok()) << stream;
  }
  std::vector<std::string> sorted = streams;
  std::ranges::sort(sorted);
  EXPECT_EQ(store.Streams(), sorted);
  for (const std::string& stream : streams) {
    const StoredModel model = store.LoadNewest(stream).value();
    EXPECT_EQ(ReadFile(model.folder / "weights.safetensors").value(), stream);
    EXPECT_EQ(model.folder.parent_path().parent_path(), root_);
  }
}

TEST_F(ModelStoreTest, RefusesManifestsThatLeadAstray) {
  ModelStore store = Open();
  ASSERT_TRUE(store.Publish(ManifestOf("lobby"), Files("one")).ok());
  const std::filesystem::path file = root_ / "lobby/1/manifest.json";
  std::string text = ReadFile(file).value();
  const auto replace = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    std::ofstream(file) << other;
    return store.Load("lobby", 1).error().message;
  };
  EXPECT_THAT(replace("\"labels.txt\"", "\"../labels.txt\""), HasSubstr("beside the manifest"));
  EXPECT_THAT(replace("\"version\": 1", "\"version\": 2"),
              HasSubstr("expected version 1 of lobby"));
  EXPECT_THAT(replace("\"version\": 1", "\"version\": 1.5"), HasSubstr("a whole number"));
  EXPECT_THAT(replace("\"weights.safetensors\"", "\"weights\""),
              HasSubstr("no weights.safetensors"));
  EXPECT_THAT(replace("\"promoted\"", "\"loved\""), HasSubstr("quarantined"));
}

TEST_F(ModelStoreTest, ReapsWhatNobodyNeeds) {
  ModelStore store = Open();
  for (int i = 1; i <= 8; ++i) {
    ASSERT_TRUE(store.Publish(ManifestOf("lobby"), Files(std::string(1000, 'x'))).ok());
  }
  ASSERT_TRUE(store.Point("lobby", Alias::kServing, 2).ok());
  ASSERT_TRUE(store.Point("lobby", Alias::kServing, 3).ok());
  const std::uint64_t before = store.Bytes();
  const std::uint64_t freed = store.Reap("lobby", 1, {5});
  EXPECT_THAT(store.Versions("lobby"), ElementsAre(2, 3, 5, 8));
  EXPECT_EQ(store.Bytes(), before - freed);
  EXPECT_GT(freed, 4000U);
  store.Reap("lobby", 0, {});
  EXPECT_THAT(store.Versions("lobby"), ElementsAre(2, 3, 8));
}

/// What a process that publishes without end does until it is killed.
[[noreturn]] void PublishUntilKilled(const std::filesystem::path& root, std::uint64_t seed) {
  Random random(seed);
  ModelStore store = ModelStore::Open(root).value();
  while (true) {
    const std::string weights(1 + random.Below(200'000), static_cast<char>(random.Below(256)));
    const auto version = store.Publish(ManifestOf("lobby"), Files(weights));
    if (!version.ok() || !store.Point("lobby", Alias::kServing, *version).ok()) _exit(1);
    store.Reap("lobby", 3, {});
  }
}

TEST_F(ModelStoreTest, SurvivesKillsAtAnyInstant) {
  Random random(7);
  std::int64_t last = 0;
  int moved = 0;
  for (int kill_number = 0; kill_number < 40; ++kill_number) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) PublishUntilKilled(root_, 100 + static_cast<std::uint64_t>(kill_number));
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(60'000)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;

    const ModelStore store = Open();
    for (const std::int64_t version : store.Versions("lobby")) {
      EXPECT_TRUE(store.Load("lobby", version).ok())
          << store.Load("lobby", version).error().message;
    }
    // Nothing that was acknowledged is lost: numbers never go back.
    const auto served = store.LoadNewest("lobby");
    if (last > 0) {
      ASSERT_TRUE(served.ok()) << served.error().message;
    }
    if (served.ok()) {
      EXPECT_GE(served->manifest.version, last);
      moved += served->manifest.version > last ? 1 : 0;
      last = served->manifest.version;
    }
    for (const auto& entry : std::filesystem::directory_iterator(root_ / "lobby")) {
      EXPECT_FALSE(entry.path().filename().string().starts_with(".aside")) << entry.path();
    }
  }
  EXPECT_GT(moved, 5);
}

}  // namespace
}  // namespace ekya::registry
