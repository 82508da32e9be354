#include "run/workers/stream_tallies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace ekya::workers {
namespace {

constexpr double kSeconds = 200.0 / 30;  // an interval of the paper's window

IntervalTally Tally(int place) {
  IntervalTally tally;
  tally.from_seconds = place * kSeconds;
  tally.to_seconds = (place + 1) * kSeconds;
  tally.score = {place % 5, 5, 6};
  tally.frames = 7;
  tally.frames_skipped = 2;
  tally.analyses_due = 6;
  tally.class_counts = {1, place % 3};
  tally.inference_cores = 0.25 + 0.5 * (place % 2);
  return tally;
}

TEST(StreamTallies, ALongRunStaysBoundedAndNothingThatWasCountedIsLost) {
  constexpr int kIntervals = 400'000;  // a month
  StreamTallies tallies(false);
  for (int i = 0; i < kIntervals; ++i) {
    tallies.Merge(Tally(i), 0.125);
    if (i % 9'999 == 0) {
      ASSERT_LE(tallies.Record().intervals.size(), StreamTallies::kMost);
    }
  }
  const window::StreamRecord record = tallies.Record();
  EXPECT_LE(record.intervals.size(), StreamTallies::kMost);
  EXPECT_GT(record.intervals.size(), StreamTallies::kMost / 4) << "enough for a curve";
  EXPECT_EQ(record.frames, std::int64_t{7} * kIntervals);
  EXPECT_EQ(record.frames_skipped, std::int64_t{2} * kIntervals);
  EXPECT_EQ(record.analyses_missed, kIntervals);
  EXPECT_DOUBLE_EQ(record.mean_accuracy, 0.4);

  double longest = 0;
  double cores = 0;
  std::int64_t objects = 0;
  double end = 0;
  for (const window::StreamInterval& interval : record.intervals) {
    EXPECT_NEAR(interval.from_seconds, end, 1e-6);
    end = interval.to_seconds;
    const double seconds = interval.to_seconds - interval.from_seconds;
    longest = std::max(longest, seconds);
    cores += seconds * interval.inference_cores;
    EXPECT_DOUBLE_EQ(interval.retraining_cores, 0.125);
    for (const int count : interval.class_counts) objects += count;
  }
  EXPECT_NEAR(end, kIntervals * kSeconds, 1e-6);
  EXPECT_NEAR(cores, 0.5 * end, 1e-3);
  EXPECT_EQ(objects, std::int64_t{2} * kIntervals - 1) << "400,000 is one more than 3 x 133,333";
  // The first day is drawn as finely as the last but one.
  EXPECT_LT(longest, 4 * end / static_cast<double>(StreamTallies::kMost));
}

TEST(StreamTallies, TheNewestAreAsTheyWereTold) {
  StreamTallies tallies(false);
  const int count = 3 * static_cast<int>(StreamTallies::kMost);
  for (int i = 0; i < count; ++i) tallies.Merge(Tally(i), 0.5);
  const int from = count - static_cast<int>(StreamTallies::kMostAsTold);
  const window::StreamRecord newest = tallies.Record(from * kSeconds);
  ASSERT_EQ(newest.intervals.size(), StreamTallies::kMostAsTold);
  EXPECT_EQ(newest.intervals.front().class_counts, Tally(from).class_counts);
  EXPECT_EQ(newest.frames, std::int64_t{7} * count - std::int64_t{7} * from);

  // Labels that come late still count there, and are passed over where they come far too late.
  IntervalTally labelled = Tally(count - 1);
  labelled.score = {5, 5, 5};
  tallies.Merge(labelled, -1);
  EXPECT_DOUBLE_EQ(tallies.RecentAccuracy(1), 1);
  labelled = Tally(3);
  labelled.frames = 1'000;
  tallies.Merge(labelled, -1);
  EXPECT_EQ(tallies.Record().frames, std::int64_t{7} * count);
}

TEST(StreamTallies, AShortRunIsKeptAsItWasTold) {
  StreamTallies tallies(true);
  const int count = static_cast<int>(StreamTallies::kMost);
  for (int i = 0; i < count; ++i) tallies.Merge(Tally(i), 0);
  EXPECT_EQ(tallies.Record().intervals.size(), StreamTallies::kMost);
}

}  // namespace
}  // namespace ekya::workers
