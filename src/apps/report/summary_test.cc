#include "apps/report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "apps/report/internal/sample_run.h"
#include "core/document.h"

namespace ekya::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;

StreamRecord Stream(const std::string& id, double accuracy) {
  StreamRecord stream;
  stream.id = id;
  stream.accuracy_source = "truth";
  stream.mean_accuracy = accuracy;
  stream.frames = 100;
  stream.frames_skipped = 10;
  return stream;
}

RunRecord MakeRun(const std::string& scheduler, std::uint64_t seed, double accuracy) {
  RunRecord run;
  run.scheduler = scheduler;
  run.seed = seed;
  run.window_seconds = 30;
  run.streams = {Stream("gate", accuracy)};
  return run;
}

std::vector<std::string> Keys(const Node& node) {
  std::vector<std::string> keys;
  for (const auto& [key, member] : node.members) keys.push_back(key);
  return keys;
}

TEST(Summary, HasExactlyTheKeysOfItsFormat) {
  const auto root = ParseJson(WriteSummary(Summarize({SampleRun("thief", 1)})), "summary.json");
  ASSERT_TRUE(root.ok()) << root.error().message;
  EXPECT_THAT(Keys(*root), ElementsAre("format", "rows", "figures"));
  EXPECT_EQ(root->members[0].second.text, "ekya-summary/1");
  const Node& row = root->members[1].second.items.at(0);
  EXPECT_THAT(Keys(row), ElementsAre("scheduler", "seed", "devices", "streams", "window_seconds",
                                     "mean_accuracy", "source", "worst_stream_accuracy", "frames",
                                     "frames_skipped", "retrainings", "swaps", "device_seconds"));
  EXPECT_THAT(Keys(row.members.back().second),
              ElementsAre("inference", "retraining", "profiling", "labelling"));
}

TEST(Summary, CountsARun) {
  RunRecord run = MakeRun("thief", 7, 0.9);
  run.streams.push_back(Stream("ramp", 0.7));
  run.windows.resize(2);
  run.windows[0].retrainings.resize(2);
  run.windows[1].retrainings.resize(1);
  run.swaps.resize(2);
  run.labelling_device_seconds = 4;
  const SummaryRow row = SummaryRowOf(run);
  EXPECT_DOUBLE_EQ(*row.mean_accuracy, 0.8);
  EXPECT_DOUBLE_EQ(*row.worst_stream_accuracy, 0.7);
  EXPECT_EQ(row.frames, 200);
  EXPECT_EQ(row.frames_skipped, 20);
  EXPECT_EQ(row.retrainings, 3);
  EXPECT_EQ(row.swaps, 2);
  EXPECT_EQ(row.source, "truth");
  EXPECT_EQ(row.device_seconds.Total(), 4);
  // Those of windows that the record only has the sums of.
  run.earlier = {9, 1800, {{"ramp", 5}, {"gate", 4}}, {{"ramp", 6}}, 1};
  EXPECT_EQ(SummaryRowOf(run).retrainings, 12);
  EXPECT_EQ(SummaryRowOf(run).swaps, 8);
}

TEST(Summary, LeavesOutWhatWasNotJudged) {
  RunRecord run = MakeRun("thief", 1, 0.9);
  StreamRecord dark = Stream("dark", 0);
  StreamInterval interval;
  interval.frames = 25;  // Frames came, nothing in them could be judged.
  dark.intervals = {interval};
  dark.accuracy_source = "golden";
  run.streams.push_back(dark);
  run.streams.push_back(Stream("nan", std::nan("")));
  const SummaryRow row = SummaryRowOf(run);
  EXPECT_EQ(row.streams, 3);
  EXPECT_DOUBLE_EQ(*row.mean_accuracy, 0.9);
  EXPECT_EQ(row.source, "truth");

  RunRecord nothing = MakeRun("none", 1, 0.9);
  nothing.streams.clear();
  EXPECT_FALSE(SummaryRowOf(nothing).mean_accuracy);
  const auto back = ReadSummary(WriteSummary(Summarize({nothing})), "summary.json");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_FALSE(back->rows[0].mean_accuracy);
}

TEST(Summary, AZeroThatWasJudgedCounts) {
  RunRecord run = MakeRun("none", 1, 0);
  StreamInterval interval;
  interval.accuracy = 0;
  run.streams[0].intervals = {interval};
  EXPECT_EQ(SummaryRowOf(run).mean_accuracy, 0.0);
}

TEST(Summary, ReadsBackWhatItWrote) {
  RunRecord run =
      SampleRun("uniform:config=2,share=0.5", std::numeric_limits<std::uint64_t>::max());
  run.figures["gap \"certified\""] = 0.1 + 0.2;
  const std::string text = WriteSummary(Summarize({run, SampleRun("none", 2)}));
  const auto summary = ReadSummary(text, "summary.json");
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(WriteSummary(*summary), text);
  EXPECT_EQ(summary->rows[0].seed, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(summary->figures.at("gap \"certified\""), 0.1 + 0.2);
}

TEST(Summary, RefusesWhatIsNotOne) {
  const std::string good = WriteSummary(Summarize({MakeRun("thief", 1, 0.9)}));
  const auto message = [](const std::string& text) {
    const auto result = ReadSummary(text, "s.json");
    return result.ok() ? std::string("no error") : result.error().message;
  };
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return message(text);
  };
  EXPECT_EQ(message(good), "no error");
  EXPECT_THAT(replaced("ekya-summary/1", "ekya-summary/2"), HasSubstr("format"));
  EXPECT_THAT(replaced("\"swaps\"", "\"swap\""), HasSubstr("unknown key \"swap\""));
  EXPECT_THAT(replaced("\"seed\": 1", "\"seed\": 1.5"), HasSubstr("rows[0].seed"));
  EXPECT_THAT(replaced("\"seed\": 1", "\"seed\": -1"), HasSubstr("an integer from 0"));
  EXPECT_THAT(replaced("\"frames\": 100", "\"frames\": \"many\""), HasSubstr("rows[0].frames"));
  for (std::size_t length = 0; length + 1 < good.size(); length += 7) {
    EXPECT_THAT(message(good.substr(0, length)), HasSubstr("s.json")) << length;
  }
}

TEST(Figures, SaySoMuchAboveTheBaselines) {
  const Summary summary =
      Summarize({MakeRun("thief", 1, 0.95), MakeRun("thief", 2, 0.93), MakeRun("none", 1, 0.75),
                 MakeRun("none", 2, 0.71), MakeRun("uniform:config=1", 1, 0.90),
                 MakeRun("uniform:config=1", 2, 0.92), MakeRun("uniform:config=2", 1, 0.80)});
  EXPECT_NEAR(summary.figures.at("thief_minus_none_points"), 21, 1e-9);
  // The better of the two uniform ones.
  EXPECT_NEAR(summary.figures.at("thief_minus_uniform_points"), 3, 1e-9);
  EXPECT_NEAR(summary.figures.at("uniform_config_1_minus_none_points"), 18, 1e-9);
  EXPECT_EQ(summary.figures.count("none_minus_uniform_points"), 0u);
}

TEST(Figures, CompareOnlySharedSeeds) {
  const Summary summary =
      Summarize({MakeRun("thief", 1, 0.9), MakeRun("thief", 2, 0.5), MakeRun("none", 1, 0.8)});
  EXPECT_NEAR(summary.figures.at("thief_minus_none_points"), 10, 1e-9);
}

TEST(Figures, OfSeveralRunsAreMeansPerScheduler) {
  RunRecord first = MakeRun("planner", 1, 0.9);
  RunRecord second = MakeRun("planner", 2, 0.9);
  RunRecord other = MakeRun("exact", 1, 0.9);
  first.figures = {{"gap", 1}, {"alone", 5}, {"bad", std::nan("")}};
  second.figures = {{"gap", 3}};
  other.figures = {{"gap", 10}};
  const auto figures = Summarize({first, second, other}).figures;
  EXPECT_EQ(figures.at("planner_gap"), 2);
  EXPECT_EQ(figures.at("exact_gap"), 10);
  EXPECT_EQ(figures.at("alone"), 5);
  EXPECT_EQ(figures.count("bad"), 0u);
}

TEST(CompareSchedulers, KeepsSettingsApart) {
  RunRecord small = MakeRun("thief", 1, 0.7);
  RunRecord large = MakeRun("thief", 1, 0.9);
  large.devices = 4;
  RunRecord none = MakeRun("none", 1, 0.6);
  const Summary summary = Summarize({small, large, none});
  const auto results = CompareSchedulers(summary.rows);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[2].scheduler, "none");
  EXPECT_NEAR(*results[0].above_none, 10, 1e-9);
  EXPECT_FALSE(results[1].above_none);
  EXPECT_THAT(results[1].Label(), HasSubstr("4 devices"));
  EXPECT_TRUE(summary.figures.empty());
}

}  // namespace
}  // namespace ekya::report
