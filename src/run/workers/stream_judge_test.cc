#include "run/workers/stream_judge.h"

#include <gtest/gtest.h>

namespace ekya::workers {
namespace {

Frame At(std::int64_t index) {
  Frame frame;
  frame.index = index;
  return frame;
}

Detection Object(double x, int label = 0) { return {{x, 0, 10, 10}, label, 1}; }

TEST(StreamJudge, JudgesAtOnceWhereTheTruthIsKnown) {
  StreamJudge judge(false, 2);
  const std::vector<Detection> truth = {Object(0), Object(50, 1)};
  judge.Add(At(0), {Object(0), Object(50, 1)}, false, 0.1, &truth);
  judge.Add(At(1), {Object(0), Object(50, 0)}, true, 0.2, &truth);
  judge.EndInterval(0, 1, 0.25, 0.5);
  const window::StreamRecord record = judge.Record();
  EXPECT_DOUBLE_EQ(record.mean_accuracy, 0.75);
  EXPECT_LT(record.accuracy_low, 0.75);
  EXPECT_GT(record.accuracy_high, 0.75);
  EXPECT_EQ(record.frames, 2);
  EXPECT_EQ(record.frames_skipped, 1);
  ASSERT_EQ(record.intervals.size(), 1U);
  EXPECT_EQ(record.intervals[0].class_counts, (std::vector<int>{2, 2}));
  EXPECT_DOUBLE_EQ(record.intervals[0].inference_cores, 0.25);
}

TEST(StreamJudge, LabelsThatComeLaterCountInTheIntervalOfTheirFrame) {
  StreamJudge judge(true, 1);
  judge.Add(At(0), {Object(0)}, false, 0.5, nullptr);
  judge.EndInterval(0, 1, 0, 0);
  judge.Add(At(1), {}, false, 1.5, nullptr);
  judge.EndInterval(1, 2, 0, 0);
  EXPECT_LT(judge.RecentAccuracy(2), 0);
  EXPECT_EQ(judge.Label(0, {Object(2)}, true)->right, 1);
  EXPECT_EQ(judge.Label(1, {Object(2)}, true)->right, 0);
  EXPECT_FALSE(judge.Label(7, {Object(2)}, true)) << "a frame without a result";
  const window::StreamRecord record = judge.Record();
  EXPECT_DOUBLE_EQ(record.intervals[0].accuracy, 1);
  EXPECT_DOUBLE_EQ(record.intervals[1].accuracy, 0);
  EXPECT_DOUBLE_EQ(record.mean_accuracy, 2.0 / 3);
  EXPECT_DOUBLE_EQ(judge.AccuracySince(1), 0);
}

TEST(StreamJudge, FramesThatWereSoughtOutTellTheirScoreButDoNotCount) {
  StreamJudge judge(true, 1);
  judge.Add(At(3), {Object(0)}, false, 0.5, nullptr);
  const auto score = judge.Label(3, {Object(0)}, false);
  ASSERT_TRUE(score);
  EXPECT_DOUBLE_EQ(judge.Accuracy(*score), 1);
  EXPECT_LT(judge.Record().mean_accuracy, 0);
  EXPECT_EQ(judge.ResultsOf(3).size(), 1U);
  judge.Forget(3);
  EXPECT_TRUE(judge.ResultsOf(3).empty());
  EXPECT_FALSE(judge.Label(3, {Object(0)}, true));
}

}  // namespace
}  // namespace ekya::workers
