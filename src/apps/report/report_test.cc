#include "apps/report/report.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "apps/report/internal/sample_run.h"
#include "apps/report/summary.h"
#include "base/file.h"

namespace ekya::report {
namespace {

TEST(Report, WritesThePageTheSummaryAndTheData) {
  // Left there for whoever works on the page: open it in a browser.
  const std::filesystem::path folder = EKYA_BINARY_DIR "/sample_report";
  std::filesystem::remove_all(folder);
  std::vector<window::RunRecord> runs;
  for (const char* scheduler : {"thief", "uniform", "none"}) {
    for (const std::uint64_t seed : {1, 2, 3}) runs.push_back(SampleRun(scheduler, seed));
  }
  const Status status = WriteReport(folder, "Three cameras, eight windows", runs);
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_TRUE(WriteReport(folder / "one", "One run", {SampleRun("thief", 1)}).ok());

  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) names.insert(entry.path().filename());
  }
  EXPECT_EQ(names, (std::set<std::string>{
                       "report.html", "summary.json", "summary.csv", "streams.csv", "accuracy.csv",
                       "shares.csv", "class_mix.csv", "retrainings.csv", "swaps.csv",
                       "decisions.csv", "windows.csv", "profiles.csv", "warnings.csv"}));

  const auto text = ReadFile(folder / "summary.json");
  ASSERT_TRUE(text.ok());
  const auto summary = ReadSummary(*text, "summary.json");
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  ASSERT_EQ(summary->rows.size(), 9u);
  EXPECT_EQ(summary->rows[3].scheduler, "uniform");
  EXPECT_GT(summary->figures.at("thief_minus_none_points"), 10);
}

TEST(Report, SaysWhereItCannotWrite) {
  const std::filesystem::path file = testing::TempDir() + "/report_blocked";
  std::ofstream(file) << "not a folder";
  const Status status = WriteReport(file, "x", {SampleRun("none", 1, 1)});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("report_blocked"), std::string::npos);
}

}  // namespace
}  // namespace ekya::report
