#include "apps/cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "core/document.h"
#include "platform/registry/model_store.h"

namespace ekya::cli {
namespace {

using ::testing::HasSubstr;
using State = Finding::State;

constexpr std::uint64_t kGigabyte = 1'000'000'000;

TEST(DoctorTest, SaysWhatTheProcessorsCanDo) {
  const std::string cpuinfo =
      "processor\t: 0\nmodel name\t: A Fast One\nflags\t\t: fpu avx2 avx512_bf16 sse\n\n"
      "processor\t: 1\nmodel name\t: Another\n";
  const Finding fast = ProcessorsFinding(cpuinfo, 2);
  EXPECT_EQ(fast.state, State::kGood);
  EXPECT_EQ(fast.text,
            "2 to use: A Fast One; multiplies bfloat16, with which classifiers then "
            "train");
  const Finding slow = ProcessorsFinding("model name : Old\nflags : fpu avx2x sse\n", 1);
  EXPECT_EQ(slow.state, State::kNote);
  EXPECT_THAT(slow.text, HasSubstr("without AVX2"));
  EXPECT_EQ(ProcessorsFinding("flags : avx2", 4).text, "4 to use");
}

TEST(DoctorTest, SaysWhereMemoryIsShort) {
  EXPECT_EQ(MemoryFinding("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n").text,
            "8.2 GB of 16.4 GB available");
  const Finding little = MemoryFinding("MemTotal:     2000000 kB\nMemAvailable:  500000 kB\n");
  EXPECT_EQ(little.state, State::kNote);
  EXPECT_THAT(little.text, HasSubstr("512 MB of 2.0 GB"));
}

TEST(DoctorTest, ADiskThatStopsRetrainingIsAProblem) {
  EXPECT_EQ(DiskFinding("data", {20 * kGigabyte, 100 * kGigabyte}).state, State::kGood);
  EXPECT_EQ(DiskFinding("data", {kGigabyte + kGigabyte / 4, 100 * kGigabyte}).state, State::kNote);
  const Finding full = DiskFinding("data", {kGigabyte / 2, 100 * kGigabyte});
  EXPECT_EQ(full.state, State::kProblem);
  EXPECT_THAT(full.text, HasSubstr("500 MB of 100.0 GB free for data; under 1.1 GB nothing"));
}

TEST(DoctorTest, FindsDamagedModels) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("ekya-doctor-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  EXPECT_EQ(ModelsFinding(folder).text, "none is kept yet");
  auto store = registry::ModelStore::Open(folder / "models").value();
  for (int i = 0; i < 2; ++i) {
    registry::Manifest manifest;
    manifest.stream = "lobby";
    manifest.accuracy = {0.9, 0.8, 0.95, 100, "truth"};
    const auto version = store.Publish(manifest, [](const std::filesystem::path& into) {
      return WriteFileAtomically(into / "weights.safetensors", "w");
    });
    ASSERT_TRUE(store.Point("lobby", registry::Alias::kServing, version.value()).ok());
  }
  EXPECT_EQ(ModelsFinding(folder).text, "2 that serve or did before are whole");
  std::ofstream(folder / "models/lobby/1/weights.safetensors") << "x";
  const Finding damaged = ModelsFinding(folder);
  EXPECT_EQ(damaged.state, State::kNote);
  EXPECT_THAT(damaged.text, HasSubstr("1 that serve or did before are whole; "));
  EXPECT_THAT(damaged.text, HasSubstr("lobby/1/weights.safetensors: damaged"));
  std::filesystem::remove_all(folder);
}

TEST(DoctorTest, LooksAtThisBox) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("ekya-doctor-here-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "bin");
  const auto state_of = [](const std::vector<Finding>& findings, const std::string& what) {
    return std::ranges::find(findings, what, &Finding::what)->state;
  };
  auto findings = Examine(folder / "data", folder / "bin" / "ekya", "nowhere.so");
  EXPECT_EQ(findings.size(), 11U);
  EXPECT_EQ(state_of(findings, "ekya-live"), State::kProblem);
  EXPECT_FALSE(std::filesystem::exists(folder / "data")) << "nothing is left behind";
  const auto live = folder / "bin" / "ekya-live";
  std::ofstream(live) << "#!/bin/sh\necho 'libtorch.so: cannot open' >&2\nexit 127\n";
  std::filesystem::permissions(live, std::filesystem::perms::owner_all);
  findings = Examine(folder / "data", folder / "bin" / "ekya", "nowhere.so");
  EXPECT_THAT(FindingsText(findings), HasSubstr("does not start: libtorch.so: cannot open"));
  std::ofstream(live) << "#!/bin/sh\nexit 0\n";
  findings = Examine(folder / "data", folder / "bin" / "ekya", "nowhere.so");
  EXPECT_EQ(state_of(findings, "ekya-live"), State::kGood);
  EXPECT_TRUE(ParseJson(FindingsJson(findings), "doctor").ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::cli
