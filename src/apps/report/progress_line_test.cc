#include "apps/report/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "apps/report/text.h"

namespace ekya::report {
namespace {

using testing::HasSubstr;
using testing::Not;

Progress Sample() {
  Progress progress;
  progress.what = "thief, seed 2";
  progress.done = 0.575;
  progress.elapsed_seconds = 210;
  progress.left_seconds = 171;
  progress.window = 7;
  progress.windows = 12;
  progress.phase = "2 retraining";
  progress.accuracy = 0.9412;
  progress.skipped = 0.032;
  return progress;
}

TEST(ProgressLine, SaysAllWhereThereIsRoom) {
  EXPECT_EQ(ProgressLine(Sample(), 140),
            "thief, seed 2  ━━━━━━━━━━━━━━━━────────────   57 %  window 7 of 12  2 retraining  "
            "accuracy 94.1 %  3.2 % skipped  2:51 min left");
}

TEST(ProgressLine, DropsWhatMattersLeast) {
  for (int width = 0; width < 150; ++width) {
    const std::string line = ProgressLine(Sample(), width);
    EXPECT_LE(DisplayWidth(line), width);
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    if (width >= 6) {
      EXPECT_THAT(line, HasSubstr("57 %")) << width;
    }
  }
  EXPECT_THAT(ProgressLine(Sample(), 50), HasSubstr("accuracy 94.1 %"));
  EXPECT_THAT(ProgressLine(Sample(), 50), Not(HasSubstr("skipped")));
}

TEST(ProgressLine, StandsOddNumbers) {
  Progress progress;
  progress.done = std::numeric_limits<double>::quiet_NaN();
  progress.elapsed_seconds = std::numeric_limits<double>::infinity();
  progress.accuracy = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ProgressLine(progress, 80), HasSubstr("0 %"));
  progress.done = 7;
  EXPECT_THAT(ProgressLine(progress, 80), HasSubstr("100 %"));
  progress.what = "\x1b[31mred";
  EXPECT_THAT(ProgressLine(progress, 80), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace ekya::report
