#pragma once

#include <string>
#include <vector>

#include "decide/window/record.h"

namespace ekya::report {

/// `report.html` of the runs `given`: what came out, schedulers side by side where there are
/// several, and the course of each run with the reasons of its decisions. Of more than twelve runs
/// only one per scheduler and setting is shown in detail. The same runs give the same bytes.
std::string MakeHtmlReport(const std::string& title, const std::vector<window::RunRecord>& given);

}  // namespace ekya::report
