#pragma once

#include <string_view>

/// The files of web/ that pages carry, built into the program.
namespace ekya::report {

std::string_view ReportScript();  ///< web/report.js
std::string_view ReportStyle();   ///< web/report.css
/// The chart library; empty where it was not there when the program was built (no `npm ci` in
/// web/).
std::string_view ChartLibrary();

}  // namespace ekya::report
