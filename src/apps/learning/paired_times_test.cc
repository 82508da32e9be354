#include "apps/learning/paired_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/learning/python_peer.h"

namespace ekya::learning {
namespace {

using testing::HasSubstr;

TEST(PairedTimes, PairsTurns) {
  PairedTimes times;
  // The second turn is disturbed, for both.
  for (const double seconds : {2.0, 20.0, 2.2}) times.Add("slow", seconds);
  for (const double seconds : {1.0, 10.0, 1.0}) times.Add("fast", seconds);
  EXPECT_DOUBLE_EQ(times.Ratio("slow", "fast"), 2);
  EXPECT_DOUBLE_EQ(times.Median("slow"), 2.2);
  EXPECT_EQ(times.Ratio("slow", "nobody"), 0);
  EXPECT_EQ(times.Median("nobody"), 0);
}

TEST(PythonPeer, AnswersAndSaysWhatIsWrong) {
  const auto peer = PythonPeer::Start();
  if (!peer.ok()) {
    EXPECT_EQ(peer.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(peer.error().message, HasSubstr("scripts/setup --python"));
    GTEST_SKIP() << peer.error().message;
  }
  const auto versions = (*peer)->Ask(R"({"do": "versions"})");
  ASSERT_TRUE(versions.ok()) << versions.error().message;
  ASSERT_NE(Member(*versions, "torch"), nullptr);
  const auto wrong = (*peer)->Ask(R"({"do": "load", "architecture": "x", "weights": "/none"})");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("FileNotFoundError"));
  // It goes on after a fault.
  EXPECT_FALSE((*peer)->AskNumber(R"({"do": "versions"})", "seconds").ok());
}

}  // namespace
}  // namespace ekya::learning
