#pragma once

#include <string>
#include <vector>

#include "decide/window/record.h"

namespace ekya::report {

/// One file of the data behind the plots.
struct CsvFile {
  std::string name;  ///< "accuracy.csv"
  std::string text;  ///< RFC 4180 with a header line and LF line ends; UTF-8.
};

/// The data behind every plot, in long form: each row starts with the run's scheduler and seed.
/// Times are seconds on the run's clock, shares are whole devices, an empty cell is a value that is
/// not known.
std::vector<CsvFile> MakeCsvFiles(const std::vector<window::RunRecord>& runs);

}  // namespace ekya::report
