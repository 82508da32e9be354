#pragma once

#include <string>
#include <vector>

#include "apps/report/figure.h"
#include "decide/window/record.h"

namespace ekya::report {

/// `table` in aligned columns with a rule under the header, each line at most `width` columns wide:
/// long names of columns break into lines, then the widest columns of text give way and their cells
/// end in "…". Ends with a newline.
std::string TerminalTable(const Table& table, int width = 120);

/// What is printed at the end of a command: one line per scheduler, and of a single run one per
/// stream; where the accuracies come from; how many warnings there were.
std::string EndOfRunTable(const std::vector<window::RunRecord>& runs, int width = 120);

}  // namespace ekya::report
