#pragma once

#include <map>
#include <string>
#include <vector>

#include "apps/report/figure.h"
#include "decide/window/record.h"

namespace ekya::report {

/// Colours that names keep through all figures of a page, in order of first appearance.
class Palette {
 public:
  explicit Palette(int first = 0) : first_(first) {}

  int ColorOf(const std::string& name) {
    return colors_.emplace(name, first_ + static_cast<int>(colors_.size())).first->second;
  }

 private:
  const int first_;
  std::map<std::string, int> colors_;
};

/// At most `most` intervals for the same time: neighbours become one, weighted by their frames.
std::vector<window::StreamInterval> Thinned(const std::vector<window::StreamInterval>& intervals,
                                            std::size_t most);

/// Where an axis of accuracies begins so that `lowest` is on it: 0.4, 0.5, ... 0.9, or 0.2 or 0.
double AccuracyAxisLow(double lowest);

// The figures of one run. Those that have nothing to show are left out.

/// One per stream: accuracy over time, with retrainings, swaps and retraining windows.
std::vector<Figure> AccuracyFigures(const window::RunRecord& run, Palette& streams);
/// What the decisions gave, then what was measured: devices over time, stacked.
std::vector<Figure> ShareFigures(const window::RunRecord& run, Palette& streams);
/// One per stream: each class's part of the judged objects over time.
std::vector<Figure> ClassMixFigures(const window::RunRecord& run, Palette& palette);
/// Labelling, profiling and every retraining, one row per stream.
std::vector<Figure> TimelineFigures(const window::RunRecord& run);
/// Predicted against achieved: accuracy, then device seconds.
std::vector<Figure> PredictionFigures(const window::RunRecord& run, Palette& streams);

}  // namespace ekya::report
