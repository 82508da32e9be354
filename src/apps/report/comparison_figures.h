#pragma once

#include <vector>

#include "apps/report/figure.h"
#include "apps/report/run_figures.h"
#include "apps/report/summary.h"
#include "decide/window/record.h"

namespace ekya::report {

// Figures that set schedulers against each other. Those that have nothing to show are left out.

/// Mean accuracy per scheduler as bars, the single runs as dots.
std::vector<Figure> MeanAccuracyFigures(const std::vector<SchedulerResult>& results,
                                        Palette& schedulers);
/// Accuracy over time per scheduler, mean over its runs and their streams.
std::vector<Figure> AccuracyOverTimeFigures(const std::vector<window::RunRecord>& runs,
                                            Palette& schedulers);
/// Accuracy per stream and scheduler, mean over its runs.
std::vector<Figure> StreamAccuracyFigures(const std::vector<window::RunRecord>& runs,
                                          Palette& schedulers);
/// Device seconds per scheduler and kind of job, mean over its runs.
std::vector<Figure> DeviceSecondsFigures(const std::vector<SchedulerResult>& results);

}  // namespace ekya::report
