#include "apps/report/run_record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "apps/report/internal/sample_run.h"

namespace ekya::report {
namespace {

using testing::HasSubstr;
using window::RunRecord;

std::string Message(const std::string& text) {
  const auto run = ReadRunRecord(text, "run.json");
  return run.ok() ? "no error" : run.error().message;
}

TEST(RunRecordFile, ReadsBackWhatItWrote) {
  RunRecord run = SampleRun("thief", 18446744073709551615ull, 5);
  run.figures = {{"points", 19.7}};
  run.windows[2].stopped = true;
  run.windows[2].corrections = {{31, "gate", "e15-f50-d3", "device_seconds", 5, 9}};
  run.windows[2].preparation_devices = 0.35;
  run.windows[2].drift["gate"] = {true, 0.01, -1, true, "another mix"};
  run.windows[2].ended_early = "gate: another mix";
  run.windows[1].retrainings[0].predicted_spread = 0.02;
  run.windows[1].labels.at("gate").judged_accuracy = 0.75;
  run.windows[1].labels.at("gate").judged = 40;
  run.swaps[0].version = std::numeric_limits<std::int64_t>::max();
  run.earlier = {7, 1400, {{"gate", 5}}, {{"gate", 3}, {"lot", 1}}, 2};
  const std::string text = WriteRunRecord(run);
  const auto back = ReadRunRecord(text, "run.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(WriteRunRecord(*back), text);
  // Not by the text alone: a member that neither writes nor reads would pass above.
  EXPECT_EQ(back->seed, run.seed);
  EXPECT_EQ(back->streams[2].id, "yard & <b>dock</b>");
  EXPECT_EQ(back->streams[1].intervals[105].accuracy, -1);
  EXPECT_EQ(back->streams[0].intervals[7].class_counts, run.streams[0].intervals[7].class_counts);
  EXPECT_EQ(back->streams[0].intervals[7].inference_cores,
            run.streams[0].intervals[7].inference_cores);
  EXPECT_EQ(back->windows[4].retrainings[0].outcome, run.windows[4].retrainings[0].outcome);
  EXPECT_EQ(back->windows[4].warnings, run.windows[4].warnings);
  EXPECT_EQ(back->earlier.windows, 7);
  EXPECT_EQ(back->earlier.until_seconds, 1400);
  EXPECT_EQ(back->earlier.retrainings, run.earlier.retrainings);
  EXPECT_EQ(back->earlier.swaps, run.earlier.swaps);
  EXPECT_EQ(back->earlier.warnings, 2);
  EXPECT_TRUE(back->windows[2].stopped);
  ASSERT_EQ(back->windows[2].corrections.size(), 1u);
  EXPECT_EQ(back->windows[2].corrections[0].what, "device_seconds");
  EXPECT_EQ(back->windows[2].corrections[0].corrected, 9);
  EXPECT_EQ(back->windows[2].preparation_devices, 0.35);
  EXPECT_TRUE(back->windows[2].drift.at("gate").drifted);
  EXPECT_TRUE(back->windows[2].drift.at("gate").skipped);
  EXPECT_EQ(back->windows[2].drift.at("gate").p_served, 0.01);
  EXPECT_EQ(back->windows[2].drift.at("gate").reason, "another mix");
  EXPECT_EQ(back->windows[2].ended_early, "gate: another mix");
  EXPECT_EQ(back->windows[1].retrainings[0].predicted_spread, 0.02);
  EXPECT_EQ(back->windows[1].labels.at("gate").judged_accuracy, 0.75);
  EXPECT_EQ(back->windows[1].labels.at("gate").judged, 40);
  EXPECT_EQ(back->windows[1].labels.at("gate").samples_per_class, (std::vector<int>{60, 30}));
  EXPECT_EQ(back->windows[1].profiles.at("gate")[1].id, "e15-f50-d3");
  EXPECT_EQ(back->windows[1].decisions[0].situation.streams.size(), 3u);
  EXPECT_EQ(back->windows[1].decisions[0].schedule.upper_bound, 0.93);
  EXPECT_EQ(back->swaps[0].version, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(back->figures, run.figures);
  EXPECT_EQ(back->retraining_device_seconds, 82);
}

TEST(RunRecordFile, KeepsNumbersThatAreNone) {
  RunRecord run = SampleRun("thief", 1, 1);
  run.windows[0].retrainings[0].achieved_accuracy = std::nan("");
  run.windows[0].retrainings[0].device_seconds = std::numeric_limits<double>::infinity();
  const auto back = ReadRunRecord(WriteRunRecord(run), "run.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_TRUE(std::isnan(back->windows[0].retrainings[0].achieved_accuracy));
  EXPECT_TRUE(std::isnan(back->windows[0].retrainings[0].device_seconds));
}

TEST(RunRecordFile, OfAVeryLongRunCanBeRead) {
  RunRecord run = SampleRun("none", 1, 1);
  for (auto& stream : run.streams) {
    window::StreamInterval interval = stream.intervals[0];
    stream.intervals.clear();
    for (int i = 0; i < 60'000; ++i) {
      interval.from_seconds = i;
      interval.to_seconds = i + 1;
      stream.intervals.push_back(interval);
    }
  }
  const auto back = ReadRunRecord(WriteRunRecord(run), "run.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->streams[0].intervals.size(), 20'000u);
  EXPECT_EQ(back->streams[0].intervals.back().to_seconds, 60'000);
  EXPECT_EQ(back->streams[0].intervals[0].frames, 75);
}

TEST(RunRecordFile, MakesBytesText) {
  RunRecord run = SampleRun("none", 1, 1);
  run.warnings = {"camera says \xFF\xFE"};
  const auto back = ReadRunRecord(WriteRunRecord(run), "run.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->warnings[0], "camera says \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(RunRecordFile, RefusesWhatIsNotOne) {
  const std::string good = WriteRunRecord(SampleRun("thief", 1, 1));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return Message(text);
  };
  EXPECT_EQ(Message(good), "no error");
  EXPECT_THAT(Message(""), HasSubstr("run.json"));
  EXPECT_THAT(Message("[]"), HasSubstr("run.json"));
  EXPECT_THAT(replaced("ekya-run/1", "ekya-run/9"), HasSubstr("ekya-run/1"));
  EXPECT_THAT(replaced("\"frames_skipped\"", "\"frames_lost\""),
              HasSubstr("streams[0].frames_skipped"));
  EXPECT_THAT(replaced("\"inference_quanta\"", "\"quanta\""),
              HasSubstr("windows[0].decisions[0].schedule"));
  EXPECT_THAT(replaced("\"class_counts\":[", "\"class_counts\":[\"x\","),
              HasSubstr("class_counts"));
  for (std::size_t length = 0; length + 2 < good.size(); length += good.size() / 97) {
    EXPECT_NE(Message(good.substr(0, length)), "no error") << length;
  }
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(testing::TempDir()) / "ekya_run_records";
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::filesystem::path root_;
};

TEST_F(Folder, LoadsEveryRunBelowInOrder) {
  for (const int seed : {10, 2, 1}) {
    ASSERT_TRUE(SaveRunRecord(root_ / ("thief-" + std::to_string(seed)),
                              SampleRun("thief", static_cast<std::uint64_t>(seed), 1))
                    .ok());
  }
  const auto runs = LoadRunRecords({root_});
  ASSERT_TRUE(runs.ok()) << runs.error().message;
  ASSERT_EQ(runs->size(), 3u);
  EXPECT_EQ((*runs)[0].seed, 1u);
  EXPECT_EQ((*runs)[1].seed, 2u);
  EXPECT_EQ((*runs)[2].seed, 10u);
}

TEST_F(Folder, SaysWhichFolderHasNone) {
  const auto missing = LoadRunRecords({root_ / "nowhere"});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("nowhere"));
  std::filesystem::create_directories(root_ / "empty");
  const auto empty = LoadRunRecords({root_ / "empty"});
  ASSERT_FALSE(empty.ok());
  EXPECT_THAT(empty.error().message, HasSubstr("no run.json"));
}

TEST_F(Folder, NamesTheFileThatIsBroken) {
  ASSERT_TRUE(SaveRunRecord(root_ / "a", SampleRun("none", 1, 1)).ok());
  std::filesystem::create_directories(root_ / "b");
  std::ofstream(root_ / "b" / "run.json") << "{\"format\": \"ekya-run/1\"";
  const auto runs = LoadRunRecords({root_});
  ASSERT_FALSE(runs.ok());
  EXPECT_THAT(runs.error().message, HasSubstr("b/run.json"));
}

}  // namespace
}  // namespace ekya::report
