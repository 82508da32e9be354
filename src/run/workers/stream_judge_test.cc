#include "run/workers/stream_judge.h"

#include <gtest/gtest.h>

#include "run/workers/stream_tallies.h"

namespace ekya::workers {
namespace {

inference::FrameResult At(std::int64_t index, std::vector<Detection> results, bool skipped = false,
                          bool due = true) {
  auto frame = std::make_shared<Frame>();
  frame->index = index;
  return {std::move(frame), skipped, due, std::move(results), 1, 0};
}

Detection Object(double x, int label = 0) { return {{x, 0, 10, 10}, label, 1}; }

TEST(StreamJudge, JudgesAtOnceWhereTheTruthIsKnown) {
  StreamJudge judge(false, 2, 600);
  const std::vector<Detection> truth = {Object(0), Object(50, 1)};
  judge.Add(At(0, {Object(0), Object(50, 1)}), 0.1, &truth);
  judge.Add(At(1, {Object(0), Object(50, 0)}, true), 0.2, &truth);
  StreamTallies tallies(false);
  tallies.Merge(judge.EndInterval(0, 1, 0.25), 0.5);
  const window::StreamRecord record = tallies.Record();
  EXPECT_DOUBLE_EQ(record.mean_accuracy, 0.75);
  EXPECT_LT(record.accuracy_low, 0.75);
  EXPECT_GT(record.accuracy_high, 0.75);
  EXPECT_EQ(record.frames, 2);
  EXPECT_EQ(record.frames_skipped, 1);
  EXPECT_EQ(record.analyses_missed, 1);
  ASSERT_EQ(record.intervals.size(), 1U);
  EXPECT_EQ(record.intervals[0].class_counts, (std::vector<int>{2, 2}));
  EXPECT_DOUBLE_EQ(record.intervals[0].inference_cores, 0.25);
  EXPECT_DOUBLE_EQ(record.intervals[0].retraining_cores, 0.5);
}

TEST(StreamJudge, LabelsThatComeLaterCountInTheIntervalOfTheirFrame) {
  StreamJudge judge(true, 1, 600);
  StreamTallies tallies(true);
  judge.Add(At(0, {Object(0)}), 0.5, nullptr);
  tallies.Merge(judge.EndInterval(0, 1, 0), 0.25);
  judge.Add(At(1, {}), 1.5, nullptr);
  tallies.Merge(judge.EndInterval(1, 2, 0), 0);
  EXPECT_LT(tallies.RecentAccuracy(2), 0);
  // Frame 7 has no result.
  const JudgedLabels judged = judge.Label(
      {{0, {Object(2)}, true}, {1, {Object(2)}, true}, {7, {Object(2)}, true}}, 7, true);
  EXPECT_EQ(judged.score.right, 1);
  EXPECT_EQ(judged.score.objects, 2);
  ASSERT_EQ(judged.changed.size(), 2U);
  for (const IntervalTally& tally : judged.changed) tallies.Merge(tally, -1);
  const window::StreamRecord record = tallies.Record();
  EXPECT_DOUBLE_EQ(record.intervals[0].accuracy, 1);
  EXPECT_DOUBLE_EQ(record.intervals[0].retraining_cores, 0.25);
  EXPECT_DOUBLE_EQ(record.intervals[1].accuracy, 0);
  EXPECT_DOUBLE_EQ(record.mean_accuracy, 2.0 / 3);
  EXPECT_DOUBLE_EQ(tallies.AccuracySince(1), 0);
}

TEST(StreamJudge, FramesThatWereSoughtOutNeitherScoreNorCount) {
  StreamJudge judge(true, 1, 600);
  judge.Add(At(3, {Object(0)}), 0.5, nullptr);
  EXPECT_EQ(judge.ResultsOf(3).size(), 1U);
  const JudgedLabels judged = judge.Label({{3, {Object(0)}, false}}, 3, true);
  EXPECT_EQ(judged.score.objects, 0);
  EXPECT_TRUE(judged.changed.empty());
  EXPECT_TRUE(judge.ResultsOf(3).empty()) << "labels for it have come";
}

TEST(StreamJudge, ForgetsWhatIsOlderThanItIsToldToKeep) {
  StreamJudge judge(true, 1, 10);
  for (int i = 0; i < 40; ++i) {
    judge.Add(At(i, {Object(0)}), i, nullptr);
    judge.EndInterval(i, i + 1, 0);
  }
  EXPECT_TRUE(judge.ResultsOf(20).empty());
  EXPECT_FALSE(judge.ResultsOf(35).empty());
  EXPECT_TRUE(judge.Served(0, 20).empty());
  EXPECT_EQ(judge.Served(35, 40).size(), 5U);
  // A label of a forgotten interval's frame changes none.
  EXPECT_TRUE(judge.Label({{2, {Object(0)}, true}}, 2, true).changed.empty());
}

}  // namespace
}  // namespace ekya::workers
