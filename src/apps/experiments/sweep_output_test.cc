#include "apps/experiments/sweep_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace ekya::experiments {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

simulator::SweepRow Row(const std::string& scheduler, int devices, double accuracy,
                        std::uint64_t seed = 0) {
  simulator::SweepRow row;
  row.settings.scheduler = scheduler;
  row.settings.devices = devices;
  row.settings.seed = seed;
  row.streams = 10;
  row.windows = 5;
  row.window_seconds = 200;
  row.mean_accuracy = accuracy;
  row.worst_stream_accuracy = accuracy - 0.1;
  row.retraining_device_seconds = 12.5;
  return row;
}

TEST(SummaryOf, HasARowPerRunThatReadsBack) {
  const report::Summary summary =
      SummaryOf({Row("thief", 2, 0.8), Row("none", 4, 0.7)}, {{"gain_points", 10}});
  const auto again = report::ReadSummary(report::WriteSummary(summary), "summary.json");
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(again->rows.size(), 2u);
  EXPECT_EQ(again->rows[0].scheduler, "thief");
  EXPECT_EQ(again->rows[0].source, "truth");
  EXPECT_EQ(again->rows[1].devices, 4);
  EXPECT_DOUBLE_EQ(*again->rows[0].mean_accuracy, 0.8);
  EXPECT_DOUBLE_EQ(again->rows[0].device_seconds.retraining, 12.5);
  EXPECT_DOUBLE_EQ(again->figures.at("gain_points"), 10);
}

TEST(RowsCsv, QuotesWhatHasCommas) {
  const std::string text = RowsCsv({Row("uniform:config=2,share=0.5", 2, 0.8)});
  EXPECT_THAT(text, StartsWith("scheduler,seed,devices,"));
  EXPECT_THAT(text, HasSubstr("\n\"uniform:config=2,share=0.5\",0,2,20,10,5,200,"));
  EXPECT_THAT(text, HasSubstr(",0.800000,0.700000,"));
}

TEST(AccuracyFigure, AveragesSeedsAndOrdersTheVariable) {
  const report::Figure figure = AccuracyFigure(
      {Row("thief", 4, 0.9), Row("thief", 2, 0.7, 0), Row("thief", 2, 0.8, 1), Row("none", 2, 0.6)},
      Variable::kDevices, "title", "caption");
  ASSERT_EQ(figure.series.size(), 2u);
  ASSERT_EQ(figure.series[0].points.size(), 2u);
  EXPECT_DOUBLE_EQ(figure.series[0].points[0].x, 2);
  EXPECT_DOUBLE_EQ(figure.series[0].points[0].y, 0.75);
  EXPECT_DOUBLE_EQ(figure.series[0].points[1].y, 0.9);
}

TEST(WriteSweep, WritesPageTableAndSummary) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "ekya-sweep-output-test";
  std::filesystem::remove_all(folder);
  const Status written = WriteSweep(folder, "Title", {Row("thief", 2, 0.8), Row("thief", 4, 0.9)});
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_THAT(*ReadFile(folder / "report.html"), HasSubstr("Accuracy against devices"));
  EXPECT_TRUE(ReadFile(folder / "rows.csv").ok());
  EXPECT_TRUE(ReadFile(folder / "summary.json").ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::experiments
