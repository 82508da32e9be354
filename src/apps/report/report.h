#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "decide/window/record.h"

namespace ekya::report {

/// Writes `report.html`, `summary.json` and the CSV files behind the plots into `directory`, making
/// the folders that are missing. Each file is whole or not there; the first failure ends it.
Status WriteReport(const std::filesystem::path& directory, const std::string& title,
                   const std::vector<window::RunRecord>& runs);

}  // namespace ekya::report
