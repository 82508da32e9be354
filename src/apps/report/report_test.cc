#include "apps/report/report.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "apps/report/internal/sample_run.h"
#include "apps/report/summary.h"
#include "apps/report/web_assets.h"
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

/// What `command` prints, both streams together.
std::string OutputOf(const std::string& command) {
  std::string output;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  char block[4096];
  while (pipe && fgets(block, sizeof block, pipe.get()) != nullptr) output += block;
  return output;
}

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST(Report, DrawsEveryFigureInABrowser) {
  if (ChartLibrary().empty()) GTEST_SKIP() << "the chart library is not built in";
  const std::string browser = OutputOf("command -v chromium || command -v google-chrome");
  if (browser.empty()) GTEST_SKIP() << "there is no Chromium here";
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "ekya_browser";
  window::RunRecord run = SampleRun("thief", 1);
  run.streams[0].id = "<img src=x onerror=\"document.title='owned'\">";
  ASSERT_TRUE(WriteReport(folder, "Drawn", {run}).ok());
  // Tall enough that all figures are in view: they are drawn when they come near it.
  const std::string page = OutputOf("timeout 60 " + browser.substr(0, browser.find('\n')) +
                                    " --headless --no-sandbox --disable-gpu "
                                    "--window-size=1200,9000 --virtual-time-budget=5000 "
                                    "--enable-logging=stderr --user-data-dir=" +
                                    (folder / "profile").string() + " --dump-dom file://" +
                                    (folder / "report.html").string());
  const int plots = Count(page, "class=\"plot\"");
  EXPECT_EQ(plots, 11);
  EXPECT_EQ(Count(page, "<svg "), plots);
  EXPECT_EQ(page.find("CONSOLE"), std::string::npos) << page.substr(page.find("CONSOLE"), 300);
  EXPECT_NE(page.find("<title>Drawn</title>"), std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace ekya::report
