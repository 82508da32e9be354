#include "run/simulator/trace_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace ekya::simulator {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] =
    "stream,window,configuration,epochs,accuracy_before,accuracy_after,gpu_seconds,"
    "estimated_accuracy_after,estimated_gpu_seconds,profiling_seconds\n";
constexpr char kInference[] = "subsampling,c1,c2\n1,1,1\n2,0.8,0.7\n";

Result<Trace> Import(const std::string& rows, const ImportSettings& settings = {},
                     const std::string& inference = kInference) {
  return ImportTrace(kHeader + rows, "r.csv", inference, "i.csv", settings);
}

TEST(ImportTrace, ReadsStreamsWindowsAndConfigurations) {
  const Result<Trace> trace = Import(
      "a,1,0,5,0.6,0.7,10,0.72,12,3\n"
      "a,1,0,15,0.65,0.8,30,0.82,36,3\n"
      "a,2,0,5,0.5,0.75,11,0.7,13,4\n"
      "b,1,0,5,0.9,0.91,9,0.92,8,2\n");
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_EQ(trace->streams.size(), 2u);
  const TracedStream& a = trace->streams[0];
  ASSERT_EQ(a.windows.size(), 2u);
  EXPECT_DOUBLE_EQ(a.windows[0].accuracy, 0.6);
  EXPECT_DOUBLE_EQ(a.windows[0].profiling_seconds, 3);
  ASSERT_EQ(a.windows[0].retraining.size(), 2u);
  EXPECT_EQ(a.windows[0].retraining[1].id, "0/15");
  EXPECT_DOUBLE_EQ(a.windows[0].retraining[1].accuracy, 0.8);
  EXPECT_DOUBLE_EQ(a.windows[0].retraining[1].device_seconds, 30);
  EXPECT_DOUBLE_EQ(a.windows[0].retraining[1].estimated_accuracy, 0.82);
  EXPECT_DOUBLE_EQ(a.windows[0].retraining[1].estimated_device_seconds, 36);
  EXPECT_TRUE(a.windows[0].retraining[1].later.empty());
  EXPECT_EQ(a.inference[1].id, "every-2");
  EXPECT_DOUBLE_EQ(a.inference[1].share, 0.125);
  EXPECT_DOUBLE_EQ(a.inference[1].factor, 0.8);
  EXPECT_DOUBLE_EQ(trace->streams[1].inference[1].factor, 0.7);
}

TEST(ImportTrace, CarriesAPartOfTheGainWhereAsked) {
  ImportSettings settings;
  settings.carry = 0.5;
  const Result<Trace> trace = Import(
      "a,1,0,5,0.6,0.8,10,0.8,10,3\n"
      "a,2,0,5,0.5,0.7,10,0.7,10,3\n"
      "a,3,0,5,0.55,0.7,10,0.7,10,3\n",
      settings);
  ASSERT_TRUE(trace.ok());
  const std::vector<double>& later = trace->streams[0].windows[0].retraining[0].later;
  ASSERT_EQ(later.size(), 2u);
  EXPECT_NEAR(later[0], 0.6, 1e-12);
  EXPECT_NEAR(later[1], 0.6, 1e-12);
}

TEST(ImportTrace, NamesFileLineColumnAndWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a,1,0,5,0.6,1.5,10,0.7,10,3\n", "r.csv:2: accuracy_after: found \"1.5\""},
      {"a,1,0,5,0.6,nan,10,0.7,10,3\n", "found \"nan\""},
      {"a,1,0,5,0.6,,10,0.7,10,3\n", "found \"\""},
      {"a,1,0,5,0.6,0.7,1e308,0.7,10,3\n", "gpu_seconds"},
      {"a,1,0,5,0.6,0.7,-1,0.7,10,3\n", "gpu_seconds"},
      {"a,1,0,5,0.6,0.7,10,0.7\n", "r.csv:2: found 8 cells, expected 10"},
      {"a,2,0,5,0.6,0.7,10,0.7,10,3\n", "window: found 2 of stream a, expected 1"},
      {"a,1,0,5,0.6,0.7,10,0.7,10,3\na,3,0,5,0.6,0.7,10,0.7,10,3\n", "expected 2 or 1"},
      {"a,1,0,5,0.6,0.7,10,0.7,10,3\na,1,0,5,0.6,0.7,10,0.7,10,3\n", "twice"},
      {"\"a,1", "never ends"},
      {"", "no row"}};
  for (const auto& [rows, expected] : cases) {
    const Result<Trace> trace = Import(rows);
    ASSERT_FALSE(trace.ok()) << rows;
    EXPECT_THAT(trace.error().message, HasSubstr(expected));
  }
  EXPECT_THAT(ImportTrace("stream\nx\n", "r.csv", kInference, "i.csv", {}).error().message,
              HasSubstr("no column \"window\""));
  EXPECT_THAT(ImportTrace("", "r.csv", kInference, "i.csv", {}).error().message,
              HasSubstr("r.csv: it is empty"));
  const std::string row = "a,1,0,5,0.6,0.7,10,0.7,10,3\n";
  EXPECT_THAT(Import(row, {}, "subsampling,c1\n0,1\n").error().message, HasSubstr("i.csv:2"));
  EXPECT_THAT(Import(row, {}, "subsampling\n1\n").error().message, HasSubstr("i.csv: expected"));
  ImportSettings carry;
  carry.carry = 2;
  EXPECT_FALSE(Import(row, carry).ok());
}

TEST(ImportTrace, TakesTheMeasuredTables) {
  const std::filesystem::path traces = std::filesystem::path(EKYA_SHARED_DIR) / "traces";
  if (!std::filesystem::exists(traces)) GTEST_SKIP() << "The measured tables are not here.";
  const Result<std::string> retraining = ReadFile(traces / "retraining_profiles.csv");
  const Result<std::string> inference = ReadFile(traces / "real_inference_profiles.csv");
  ASSERT_TRUE(retraining.ok() && inference.ok());
  const Result<Trace> trace = ImportTrace(*retraining, "r.csv", *inference, "i.csv", {});
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  EXPECT_EQ(trace->streams.size(), 12u);
  for (const TracedStream& stream : trace->streams) {
    EXPECT_EQ(stream.inference.size(), 12u);
    for (const TracedWindow& window : stream.windows) EXPECT_EQ(window.retraining.size(), 18u);
  }
  const Result<Trace> again = ReadTrace(WriteTrace(*trace), "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(WriteTrace(*again), WriteTrace(*trace));
}

TEST(ImportThroughput, IsTheWholeDevicesTimeOverEachShares) {
  const auto curve =
      ImportThroughput(",task_id,time\nalloc,,\n10,5,15\n50,5,6\n60,5,6.5\n100,5,5\n", "t.csv");
  ASSERT_TRUE(curve.ok()) << curve.error().message;
  ASSERT_EQ(curve->size(), 4U);
  EXPECT_DOUBLE_EQ((*curve)[0].share, 0.1);
  EXPECT_DOUBLE_EQ((*curve)[0].speed, 5 / 15.0);
  EXPECT_DOUBLE_EQ((*curve)[2].speed, 5 / 6.0);  // Slower than with less: scatter.
  EXPECT_DOUBLE_EQ((*curve)[3].speed, 1);
}

TEST(ImportThroughput, NamesWhatIsWrong) {
  const auto error = [](const std::string& rows) {
    return ImportThroughput("share,time\n" + rows, "t.csv").error().message;
  };
  EXPECT_THAT(error("10,5\n10,4\n100,3\n"), HasSubstr("t.csv:3: found a share of 10 %"));
  EXPECT_THAT(error("10,5\n90,4\n"), HasSubstr("found shares up to 90 %, expected 100 % last"));
  EXPECT_THAT(error("10,-5\n100,4\n"), HasSubstr("t.csv:2"));
  EXPECT_THAT(error("10,nan\n100,4\n"), HasSubstr("t.csv:2"));
  EXPECT_THAT(error(""), HasSubstr("100 %"));
  EXPECT_THAT(ImportThroughput("share,seconds\n10,5\n", "t.csv").error().message,
              HasSubstr("time"));
}

TEST(ImportThroughput, ReadsTheSharedTable) {
  const std::filesystem::path file =
      std::filesystem::path(EKYA_SHARED_DIR) / "traces/mps_gpu_share_vs_time.csv";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no measured traces beside the sources";
  const auto curve = ImportThroughput(*ReadFile(file), "mps.csv");
  ASSERT_TRUE(curve.ok()) << curve.error().message;
  EXPECT_NEAR(Speed(*curve, 0.1), 0.36, 0.005);
  EXPECT_NEAR(Speed(*curve, 0.5), 0.83, 0.005);
}

}  // namespace
}  // namespace ekya::simulator
