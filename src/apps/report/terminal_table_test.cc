#include "apps/report/terminal_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "apps/report/internal/sample_run.h"
#include "apps/report/text.h"

namespace ekya::report {
namespace {

using testing::HasSubstr;

int Widest(const std::string& text) {
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, DisplayWidth(line));
  return widest;
}

TEST(TerminalTable, AlignsColumns) {
  Table table;
  table.columns = {{"Stream"}, {"Accuracy", true}};
  table.rows = {{"gate", "95.7 %"}, {"東京", "5.0 %"}};
  EXPECT_EQ(TerminalTable(table),
            "Stream  Accuracy\n"
            "────────────────\n"
            "gate      95.7 %\n"
            "東京       5.0 %\n");
  EXPECT_EQ(TerminalTable({}), "");
}

TEST(TerminalTable, FitsTheTerminal) {
  Table table;
  table.columns = {{"Stream"}, {"Accuracy", true}, {"Why"}};
  table.rows = {{std::string(300, 'x'), "95.7 %", std::string(90, 'y')}};
  for (const int width : {120, 80, 40, 26}) {
    const std::string text = TerminalTable(table, width);
    EXPECT_LE(Widest(text), width);
    EXPECT_THAT(text, HasSubstr("95.7 %"));
    EXPECT_THAT(text, HasSubstr("x…"));
  }
  // Too narrow for anything: still a table, a little wider.
  EXPECT_LE(Widest(TerminalTable(table, 3)), 24);
}

TEST(TerminalTable, DoesNotLetNamesCommandTheTerminal) {
  Table table;
  table.columns = {{"Stream"}};
  table.rows = {{"\x1b]0;owned\x07"}};
  EXPECT_EQ(TerminalTable(table).find('\x1b'), std::string::npos);
}

TEST(EndOfRunTable, OfOneRunNamesItsStreams) {
  const std::string text = EndOfRunTable({SampleRun("thief", 1)});
  EXPECT_THAT(text, HasSubstr("gate"));
  EXPECT_THAT(text, HasSubstr("thief"));
  EXPECT_THAT(text, HasSubstr("Accuracy by truth. 2 warnings."));
}

TEST(EndOfRunTable, OfSeveralComparesSchedulers) {
  const std::string text =
      EndOfRunTable({SampleRun("thief", 1), SampleRun("uniform", 1), SampleRun("none", 1)}, 100);
  EXPECT_THAT(text, testing::Not(HasSubstr("gate")));
  EXPECT_THAT(text, HasSubstr("thief"));
  EXPECT_THAT(text, HasSubstr("Above"));
  EXPECT_LE(Widest(text), 100);
  EXPECT_EQ(EndOfRunTable({}), "No run.\n");
}

}  // namespace
}  // namespace ekya::report
