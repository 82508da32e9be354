#include "apps/report/run_figures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "apps/report/comparison_figures.h"
#include "apps/report/internal/sample_run.h"
#include "apps/report/shares.h"
#include "apps/report/summary.h"

namespace ekya::report {
namespace {

using window::RunRecord;
using window::StreamInterval;

TEST(Thinned, WeighsByFramesAndTime) {
  std::vector<StreamInterval> intervals(4);
  for (int i = 0; i < 4; ++i) {
    intervals[i].from_seconds = i;
    intervals[i].to_seconds = i + 1;
  }
  intervals[0].frames = 10;
  intervals[0].accuracy = 1;
  intervals[0].inference_cores = 1;
  intervals[0].class_counts = {3};
  intervals[1].frames = 30;
  intervals[1].accuracy = 0.5;
  intervals[1].class_counts = {1, 2};
  intervals[2].frames = 5;
  const auto thinned = Thinned(intervals, 2);
  ASSERT_EQ(thinned.size(), 2u);
  EXPECT_DOUBLE_EQ(thinned[0].accuracy, 0.625);
  EXPECT_EQ(thinned[0].frames, 40);
  EXPECT_DOUBLE_EQ(thinned[0].inference_cores, 0.5);
  EXPECT_EQ(thinned[0].class_counts, (std::vector<int>{4, 2}));
  EXPECT_EQ(thinned[0].to_seconds, 2);
  EXPECT_LT(thinned[1].accuracy, 0);  // Nothing was judged.
  EXPECT_EQ(Thinned(intervals, 4).size(), 4u);
  EXPECT_TRUE(Thinned({}, 4).empty());
}

TEST(DecidedShares, HoldUntilTheNextDecision) {
  const RunRecord run = SampleRun("thief", 1, 2);
  const auto shares = DecidedShares(run);
  ASSERT_EQ(shares.size(), 2u * 3 * 3);
  EXPECT_EQ(shares[0].from_seconds, 3.4);
  EXPECT_EQ(shares[0].to_seconds, run.windows[0].retrainings[0].end_seconds);
  EXPECT_EQ(shares[8].to_seconds, 30);
  EXPECT_DOUBLE_EQ(shares[1].retraining, 12 / 20.0);
  EXPECT_DOUBLE_EQ(shares[1].inference, 6 / 20.0);
}

TEST(ShareFigures, LeaveAGapWhereNothingWasDecided) {
  Palette palette;
  const auto figures = ShareFigures(SampleRun("thief", 1, 2), palette);
  ASSERT_EQ(figures.size(), 2u);
  ASSERT_EQ(figures[0].series.size(), 6u);  // Inference and retraining of three streams.
  for (const Series& series : figures[0].series) {
    ASSERT_EQ(series.points.size(), figures[0].series[0].points.size());
  }
  bool gap = false;
  for (const Point& point : figures[0].series[0].points) {
    if (point.x == 30) gap = std::isnan(point.y);
  }
  EXPECT_TRUE(gap);
}

TEST(AccuracyFigures, MarkRetrainingsAndSwaps) {
  Palette palette;
  const RunRecord run = SampleRun("thief", 1, 5);
  const auto figures = AccuracyFigures(run, palette);
  ASSERT_EQ(figures.size(), 3u);
  EXPECT_EQ(figures[0].title, "gate");
  ASSERT_EQ(figures[0].span_kinds.size(), 2u);  // Served, and the one that was not.
  EXPECT_EQ(figures[0].span_kinds[1].spans.size(), 1u);
  ASSERT_EQ(figures[0].mark_kinds.size(), 1u);
  EXPECT_EQ(figures[0].mark_kinds[0].marks.size(), 2u);
  EXPECT_EQ(figures[0].bands.size(), 2u);
  EXPECT_EQ(figures[0].x.high, 150);
  EXPECT_TRUE(std::isnan(figures[1].series[0].points[105].y));
  EXPECT_EQ(figures[0].y.low, figures[2].y.low);
}

TEST(ClassMixFigures, AreParts) {
  Palette palette;
  const auto figures = ClassMixFigures(SampleRun("none", 1, 1), palette);
  ASSERT_EQ(figures.size(), 3u);
  for (std::size_t i = 0; i < figures[0].series[0].points.size(); ++i) {
    double sum = 0;
    for (const Series& series : figures[0].series) sum += series.points[i].y;
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(PredictionFigures, LeaveOutWhatGaveNoModel) {
  Palette palette;
  RunRecord run = SampleRun("thief", 1, 1);
  run.windows[0].retrainings[0].achieved_accuracy = 0;
  run.windows[0].retrainings[0].outcome = "failed: the loss is not a number";
  const auto figures = PredictionFigures(run, palette);
  ASSERT_EQ(figures.size(), 2u);
  ASSERT_EQ(figures[0].series.size(), 1u);
  EXPECT_EQ(figures[0].series[0].points.size(), 1u);
  EXPECT_TRUE(PredictionFigures(SampleRun("none", 1, 1), palette).empty());
}

TEST(ComparisonFigures, ShowEverySchedulerAndSeed) {
  std::vector<RunRecord> runs = {SampleRun("thief", 1), SampleRun("thief", 2),
                                 SampleRun("none", 1)};
  Palette palette;
  const auto results = CompareSchedulers(Summarize(runs).rows);
  const auto bars = MeanAccuracyFigures(results, palette);
  ASSERT_EQ(bars.size(), 1u);
  EXPECT_EQ(bars[0].x.places, (std::vector<std::string>{"thief", "none"}));
  EXPECT_EQ(bars[0].dots[0].size(), 2u);
  EXPECT_TRUE(bars[0].dots[1].empty());  // A single run's dot says nothing more than its bar.
  const auto lines = AccuracyOverTimeFigures(runs, palette);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_GT(lines[0].series[0].points.back().y, lines[0].series[1].points.back().y);
  EXPECT_EQ(StreamAccuracyFigures(runs, palette)[0].series.size(), 2u);
  EXPECT_EQ(DeviceSecondsFigures(results)[0].series.size(), 4u);
}

TEST(Figures, OfAnEmptyRunAreNone) {
  const RunRecord run;
  Palette palette;
  EXPECT_TRUE(AccuracyFigures(run, palette).empty());
  EXPECT_TRUE(ShareFigures(run, palette).empty());
  EXPECT_TRUE(ClassMixFigures(run, palette).empty());
  EXPECT_TRUE(TimelineFigures(run).empty());
  EXPECT_TRUE(PredictionFigures(run, palette).empty());
  EXPECT_TRUE(AccuracyOverTimeFigures({run}, palette).empty());
}

}  // namespace
}  // namespace ekya::report
