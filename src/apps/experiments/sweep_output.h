#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/report/figure.h"
#include "apps/report/summary.h"
#include "base/result.h"
#include "run/simulator/sweep.h"

namespace ekya::experiments {

/// Rows as `summary.json` has them. The simulator has no frames: their counts are 0.
report::Summary SummaryOf(const std::vector<simulator::SweepRow>& rows,
                          const std::map<std::string, double>& figures);

/// Rows with everything that was varied and everything that came out, RFC 4180 with a header line.
std::string RowsCsv(const std::vector<simulator::SweepRow>& rows);

/// What a sweep's lines are drawn against.
enum class Variable { kDevices, kStreams, kWindowSeconds, kQuantum, kNoise };

/// One line per scheduler: mean accuracy over the rows of equal `variable`, in the variable's
/// order. Rows that differ in something else are averaged: pass those that belong together.
report::Figure AccuracyFigure(const std::vector<simulator::SweepRow>& rows, Variable variable,
                              const std::string& title, const std::string& caption);

/// The value of `variable` in `row`; a quantum is a part of a device.
double ValueOf(const simulator::SweepRow& row, Variable variable);

/// Mean accuracy per scheduler over `rows`, in order of first appearance, as a table.
report::Table AccuracyTable(const std::vector<simulator::SweepRow>& rows);

/// Writes `report.html`, `rows.csv` and `summary.json` of `ekya simulate` into `directory`.
Status WriteSweep(const std::filesystem::path& directory, const std::string& title,
                  const std::vector<simulator::SweepRow>& rows);

}  // namespace ekya::experiments
