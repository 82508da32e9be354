#pragma once

#include <string>

#include "apps/report/figure.h"

namespace ekya::report {

/// `figure` in the words that web/report.js draws from. Numbers carry seven digits.
std::string FigureJson(const Figure& figure);

/// The figure's data as a table of at most `max_rows` rows, evenly picked where there are more (the
/// caption then says so): for pages without charts.
Table FigureTable(const Figure& figure, std::size_t max_rows);

}  // namespace ekya::report
