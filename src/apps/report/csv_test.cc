#include "apps/report/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "apps/report/internal/sample_run.h"

namespace ekya::report {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

/// RFC 4180: records of fields.
std::vector<std::vector<std::string>> Parse(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      field += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      rows.back().push_back(std::exchange(field, ""));
      if (c == '\n') rows.emplace_back();
    } else {
      field += c;
    }
  }
  EXPECT_FALSE(quoted);
  EXPECT_EQ(field, "");
  rows.pop_back();
  return rows;
}

std::map<std::string, std::vector<std::vector<std::string>>> Files(
    const std::vector<window::RunRecord>& runs) {
  std::map<std::string, std::vector<std::vector<std::string>>> files;
  for (const CsvFile& file : MakeCsvFiles(runs)) files[file.name] = Parse(file.text);
  return files;
}

TEST(Csv, EveryRowHasEveryColumnAndTheRun) {
  const auto files = Files({SampleRun("thief", 3, 3), SampleRun("none", 4, 2)});
  for (const auto& [name, rows] : files) {
    ASSERT_GT(rows.size(), 1u) << name;
    EXPECT_EQ(rows[0][0], "scheduler") << name;
    EXPECT_EQ(rows[0][1], "seed") << name;
    for (const auto& row : rows) EXPECT_EQ(row.size(), rows[0].size()) << name;
    EXPECT_EQ(rows[1][0], "thief") << name;
    EXPECT_EQ(rows[1][1], "3") << name;
  }
  EXPECT_EQ(files.at("accuracy.csv").size(), 1u + 3 * 90 + 3 * 60);
  EXPECT_THAT(files.at("retrainings.csv")[0],
              ElementsAre("scheduler", "seed", "window", "stream", "configuration", "start_seconds",
                          "end_seconds", "predicted_accuracy", "achieved_accuracy",
                          "predicted_device_seconds", "device_seconds", "outcome"));
}

TEST(Csv, QuotesWhatHasTo) {
  window::RunRecord run = SampleRun("uniform:config=2,share=0.5", 1, 1);
  run.streams[0].id = "a \"b\",\nc";
  run.streams[0].accuracy_source = "";
  const auto rows = Files({run}).at("streams.csv");
  EXPECT_EQ(rows[1][0], "uniform:config=2,share=0.5");
  EXPECT_EQ(rows[1][2], "a \"b\",\nc");
}

TEST(Csv, LeavesEmptyWhatIsNotKnown) {
  window::RunRecord run = SampleRun("thief", 1, 1);
  run.streams[0].intervals[0].accuracy = -1;
  run.windows[0].retrainings[0].achieved_accuracy = std::nan("");
  const auto files = Files({run});
  EXPECT_EQ(files.at("accuracy.csv")[1][5], "");
  EXPECT_EQ(files.at("retrainings.csv")[1][8], "");
}

TEST(Csv, SharesAreDevices) {
  window::RunRecord run = SampleRun("thief", 1, 1);
  run.device_cores = 0.5;
  const auto rows = Files({run}).at("shares.csv");
  EXPECT_THAT(rows[1], ElementsAre("thief", "1", "decided", "gate", "3.4", testing::_, "0.5", "0"));
  const auto measured =
      std::find_if(rows.begin(), rows.end(), [](const auto& row) { return row[2] == "measured"; });
  ASSERT_NE(measured, rows.end());
  EXPECT_EQ(std::stod((*measured)[6]), run.streams[0].intervals[0].inference_cores / 0.5);
}

TEST(Csv, OfNoRunAreHeaders) {
  for (const CsvFile& file : MakeCsvFiles({})) {
    EXPECT_THAT(file.text, StartsWith("scheduler,seed,")) << file.name;
    EXPECT_EQ(file.text.find('\n'), file.text.size() - 1) << file.name;
  }
}

}  // namespace
}  // namespace ekya::report
