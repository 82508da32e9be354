#include "apps/report/run_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "apps/report/html_page.h"
#include "apps/report/shares.h"

namespace ekya::report {
namespace {

using window::RetrainingRecord;
using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;
using window::WindowRecord;

/// More points than a chart is wide say nothing more.
constexpr std::size_t kMostPoints = 400;

/// The run's first and last instant of anything, so that all its figures share one time axis.
Axis TimeAxis(const RunRecord& run) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  const auto include = [&](double from, double to) {
    if (std::isfinite(from)) low = std::min(low, from);
    if (std::isfinite(to)) high = std::max(high, to);
  };
  for (const StreamRecord& stream : run.streams) {
    for (const StreamInterval& interval : stream.intervals) {
      include(interval.from_seconds, interval.to_seconds);
    }
  }
  for (const WindowRecord& window : run.windows) include(window.start_seconds, window.end_seconds);
  Axis axis{.unit = Unit::kSeconds};
  if (low < high) {
    axis.low = low;
    axis.high = high;
  }
  return axis;
}

/// Every second retraining window, so that their borders show.
std::vector<Band> WindowBands(const RunRecord& run) {
  std::vector<Band> bands;
  for (std::size_t i = 0; i < run.windows.size(); ++i) {
    if (i % 2 == 0) continue;
    const WindowRecord& window = run.windows[i];
    bands.push_back({window.start_seconds, window.end_seconds, {}});
  }
  return bands;
}

bool Swapped(const RetrainingRecord& retraining) { return retraining.outcome == "swapped"; }

std::string RetrainingNote(int window, const RetrainingRecord& retraining) {
  return fmt::format("window {}: {}, {}, predicted {} for {}, achieved {} for {}", window,
                     retraining.configuration, retraining.outcome,
                     PercentText(retraining.predicted_accuracy),
                     SecondsText(retraining.predicted_device_seconds),
                     Swapped(retraining) || retraining.achieved_accuracy > 0
                         ? PercentText(retraining.achieved_accuracy)
                         : "nothing",
                     SecondsText(retraining.device_seconds));
}

/// The retrainings of one stream (of all, with its row, for "").
std::vector<SpanKind> RetrainingSpans(const RunRecord& run, const std::string& stream,
                                      const std::map<std::string, int>& rows) {
  SpanKind served{.name = "retraining, then served", .spans = {}, .color = 0};
  SpanKind unserved{.name = "retraining, not served", .spans = {}, .color = 1};
  for (const WindowRecord& window : run.windows) {
    for (const RetrainingRecord& retraining : window.retrainings) {
      if (!stream.empty() && retraining.stream != stream) continue;
      const auto row = rows.find(retraining.stream);
      (Swapped(retraining) ? served : unserved)
          .spans.push_back({retraining.start_seconds, retraining.end_seconds,
                            RetrainingNote(window.window, retraining),
                            row == rows.end() ? 0 : row->second});
    }
  }
  std::vector<SpanKind> kinds;
  if (!served.spans.empty()) kinds.push_back(std::move(served));
  if (!unserved.spans.empty()) kinds.push_back(std::move(unserved));
  return kinds;
}

/// For the lowest accuracy of the run: curves of all streams share one scale.
double LowestAccuracy(const RunRecord& run) {
  double lowest = 1;
  for (const StreamRecord& stream : run.streams) {
    for (const StreamInterval& interval : Thinned(stream.intervals, kMostPoints)) {
      if (interval.accuracy >= 0) lowest = std::min(lowest, interval.accuracy);
    }
  }
  return AccuracyAxisLow(lowest);
}

std::string ClassName(const StreamRecord& stream, std::size_t i) {
  return i < stream.classes.size() ? stream.classes[i] : fmt::format("class {}", i);
}

/// A value that holds from each time to the next, by time.
struct Steps {
  std::vector<std::pair<double, double>> inference;
  std::vector<std::pair<double, double>> retraining;
};

double ValueAt(const std::vector<std::pair<double, double>>& steps, double time) {
  const auto after = std::upper_bound(steps.begin(), steps.end(), time,
                                      [](double t, const auto& step) { return t < step.first; });
  return after == steps.begin() ? kMissing : std::prev(after)->second;
}

/// Stacked series need the same times: all that occur, or `kMostPoints` evenly over them.
std::vector<double> CommonTimes(const std::map<std::string, Steps>& streams) {
  std::set<double> times;
  for (const auto& [stream, steps] : streams) {
    for (const auto& [time, value] : steps.inference) times.insert(time);
  }
  if (times.size() <= kMostPoints) return {times.begin(), times.end()};
  std::vector<double> even;
  const double low = *times.begin();
  const double high = *times.rbegin();
  for (std::size_t i = 0; i <= kMostPoints; ++i) {
    even.push_back(low + (high - low) * static_cast<double>(i) / kMostPoints);
  }
  return even;
}

Figure ShareFigure(const RunRecord& run, const std::map<std::string, Steps>& steps,
                   Palette& palette) {
  Figure figure{.kind = FigureKind::kStackedStep};
  figure.x = TimeAxis(run);
  figure.y = {.name = "devices", .unit = Unit::kNumber, .low = 0, .high = {}, .places = {}};
  figure.reference = run.devices;
  figure.reference_name = "capacity";
  figure.bands = WindowBands(run);
  figure.band_name = "every other window";
  const std::vector<double> times = CommonTimes(steps);
  // All inference below all retraining: the border between the two is the decision.
  for (const bool retraining : {false, true}) {
    for (const StreamRecord& stream : run.streams) {
      const auto found = steps.find(stream.id);
      if (found == steps.end()) continue;
      const auto& values = retraining ? found->second.retraining : found->second.inference;
      Series series{.name = stream.id + (retraining ? ", retraining" : ", inference"),
                    .color = palette.ColorOf(stream.id),
                    .faint = !retraining};
      for (const double time : times) series.points.push_back({time, ValueAt(values, time), {}});
      figure.series.push_back(std::move(series));
    }
  }
  return figure;
}

std::string MedianText(std::vector<double> values, const char* unit) {
  if (values.empty()) return "";
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return fmt::format("median error {:.3g} {} over {} retraining{}", *middle, unit, values.size(),
                     values.size() == 1 ? "" : "s");
}

Figure PredictionFigure(const RunRecord& run, Palette& palette, bool accuracy) {
  Figure figure{.kind = FigureKind::kScatter};
  figure.diagonal = true;
  figure.height = 320;
  figure.title = accuracy ? "Accuracy after retraining" : "Cost of retraining";
  const Unit unit = accuracy ? Unit::kPercent : Unit::kNumber;
  figure.x = {.name = accuracy ? "predicted" : "predicted device seconds", .unit = unit};
  figure.y = {.name = accuracy ? "achieved" : "measured device seconds", .unit = unit};
  std::map<std::string, Series> by_stream;
  std::vector<double> errors;
  for (const WindowRecord& window : run.windows) {
    for (const RetrainingRecord& retraining : window.retrainings) {
      const double x =
          accuracy ? retraining.predicted_accuracy : retraining.predicted_device_seconds;
      const double y = accuracy ? retraining.achieved_accuracy : retraining.device_seconds;
      // No model came of a failed or cancelled one, and its cost is that of a part.
      if (!std::isfinite(x) || !std::isfinite(y) || retraining.achieved_accuracy <= 0) continue;
      Series& series = by_stream[retraining.stream];
      series.name = retraining.stream;
      series.color = palette.ColorOf(retraining.stream);
      series.points.push_back(
          {x, y, fmt::format("window {}: {}", window.window, retraining.configuration)});
      if (accuracy) errors.push_back(100 * std::abs(x - y));
      if (!accuracy && y > 0) errors.push_back(100 * std::abs(x - y) / y);
    }
  }
  for (auto& [stream, series] : by_stream) figure.series.push_back(std::move(series));
  figure.caption = MedianText(std::move(errors), accuracy ? "points" : "%");
  return figure;
}

}  // namespace

std::vector<StreamInterval> Thinned(const std::vector<StreamInterval>& intervals,
                                    std::size_t most) {
  if (most == 0 || intervals.size() <= most) return intervals;
  std::vector<StreamInterval> thinned;
  const std::size_t group = (intervals.size() + most - 1) / most;
  for (std::size_t begin = 0; begin < intervals.size(); begin += group) {
    const std::size_t end = std::min(begin + group, intervals.size());
    StreamInterval merged;
    merged.from_seconds = intervals[begin].from_seconds;
    merged.to_seconds = intervals[end - 1].to_seconds;
    double judged = 0;
    double accuracy = 0;
    double time = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const StreamInterval& interval = intervals[i];
      merged.frames += interval.frames;
      merged.frames_skipped += interval.frames_skipped;
      if (interval.accuracy >= 0) {
        const double weight = std::max(1, interval.frames);
        judged += weight;
        accuracy += weight * interval.accuracy;
      }
      merged.class_counts.resize(
          std::max(merged.class_counts.size(), interval.class_counts.size()));
      for (std::size_t c = 0; c < interval.class_counts.size(); ++c) {
        merged.class_counts[c] += interval.class_counts[c];
      }
      const double length = std::max(0.0, interval.to_seconds - interval.from_seconds);
      time += length;
      merged.inference_cores += length * interval.inference_cores;
      merged.retraining_cores += length * interval.retraining_cores;
    }
    if (judged > 0) merged.accuracy = accuracy / judged;
    merged.inference_cores = time > 0 ? merged.inference_cores / time : 0;
    merged.retraining_cores = time > 0 ? merged.retraining_cores / time : 0;
    thinned.push_back(std::move(merged));
  }
  return thinned;
}

double AccuracyAxisLow(double lowest) {
  const double step = lowest < 0.5 ? 0.2 : 0.1;
  return std::clamp(std::floor(lowest / step - 1e-9) * step, 0.0, 0.9);
}

std::vector<Figure> AccuracyFigures(const RunRecord& run, Palette& streams) {
  std::vector<Figure> figures;
  const double lowest = LowestAccuracy(run);
  for (const StreamRecord& stream : run.streams) {
    if (stream.intervals.empty()) continue;
    Figure figure{.kind = FigureKind::kLine};
    figure.title = stream.id;
    figure.caption =
        fmt::format("mean {}, {}", PercentText(stream.mean_accuracy),
                    stream.accuracy_source.empty() ? "source unknown" : stream.accuracy_source);
    figure.height = 230;
    figure.x = TimeAxis(run);
    figure.y = {.name = "", .unit = Unit::kPercent, .low = lowest, .high = 1, .places = {}};
    Series series{.name = "accuracy", .color = streams.ColorOf(stream.id)};
    for (const StreamInterval& interval : Thinned(stream.intervals, kMostPoints)) {
      const double middle = (interval.from_seconds + interval.to_seconds) / 2;
      series.points.push_back(
          {middle, interval.accuracy >= 0 ? interval.accuracy : kMissing,
           fmt::format("{} frames, {} skipped", interval.frames, interval.frames_skipped)});
    }
    figure.series.push_back(std::move(series));
    figure.bands = WindowBands(run);
    figure.band_name = "every other window";
    figure.span_kinds = RetrainingSpans(run, stream.id, {});
    MarkKind swaps{.name = "new model served", .marks = {}};
    for (const window::SwapRecord& swap : run.swaps) {
      if (swap.stream == stream.id) {
        swaps.marks.push_back({swap.time_seconds, fmt::format("version {}", swap.version)});
      }
    }
    if (!swaps.marks.empty()) figure.mark_kinds.push_back(std::move(swaps));
    figures.push_back(std::move(figure));
  }
  return figures;
}

std::vector<Figure> ShareFigures(const RunRecord& run, Palette& streams) {
  std::vector<Figure> figures;
  std::map<std::string, Steps> decided;
  for (const DecidedShare& share : DecidedShares(run)) {
    if (!std::isfinite(share.from_seconds) || !std::isfinite(share.to_seconds)) continue;
    Steps& steps = decided[share.stream];
    // A pause before this decision (labelling, profiling) is a gap.
    if (!steps.inference.empty() && steps.inference.back().first >= share.from_seconds) {
      steps.inference.pop_back();
      steps.retraining.pop_back();
    }
    steps.inference.emplace_back(share.from_seconds, share.inference);
    steps.retraining.emplace_back(share.from_seconds, share.retraining);
    steps.inference.emplace_back(share.to_seconds, kMissing);
    steps.retraining.emplace_back(share.to_seconds, kMissing);
  }
  if (!decided.empty()) {
    figures.push_back(ShareFigure(run, decided, streams));
    figures.back().title = "Decided";
    figures.back().caption = "full colour: retraining; gaps: nothing decided";
  }
  std::map<std::string, Steps> measured;
  bool any = false;
  const double cores = run.device_cores > 0 ? run.device_cores : 1;
  for (const StreamRecord& stream : run.streams) {
    for (const StreamInterval& interval : Thinned(stream.intervals, kMostPoints)) {
      Steps& steps = measured[stream.id];
      steps.inference.emplace_back(interval.from_seconds, interval.inference_cores / cores);
      steps.retraining.emplace_back(interval.from_seconds, interval.retraining_cores / cores);
      any = any || interval.inference_cores > 0 || interval.retraining_cores > 0;
    }
  }
  if (any) {
    figures.push_back(ShareFigure(run, measured, streams));
    figures.back().title = "Measured";
    figures.back().caption = "processor time of the jobs";
  }
  return figures;
}

std::vector<Figure> ClassMixFigures(const RunRecord& run, Palette& palette) {
  std::vector<Figure> figures;
  for (const StreamRecord& stream : run.streams) {
    const std::vector<StreamInterval> intervals = Thinned(stream.intervals, kMostPoints / 2);
    std::size_t classes = stream.classes.size();
    for (const StreamInterval& interval : intervals) {
      classes = std::max(classes, interval.class_counts.size());
    }
    Figure figure{.kind = FigureKind::kStackedStep};
    figure.title = stream.id;
    figure.height = 190;
    figure.x = TimeAxis(run);
    figure.y = {.name = "", .unit = Unit::kPercent, .low = 0, .high = 1, .places = {}};
    for (std::size_t c = 0; c < classes; ++c) {
      // A golden detector knows 80, of which a camera shows a few.
      const bool shown = std::ranges::any_of(intervals, [&](const StreamInterval& interval) {
        return c < interval.class_counts.size() && interval.class_counts[c] > 0;
      });
      if (!shown) continue;
      Series series{.name = ClassName(stream, c)};
      series.color = palette.ColorOf(series.name);
      for (const StreamInterval& interval : intervals) {
        double all = 0;
        for (const int count : interval.class_counts) all += count;
        const double own = c < interval.class_counts.size() ? interval.class_counts[c] : 0;
        series.points.push_back({interval.from_seconds, all > 0 ? own / all : kMissing, {}});
      }
      if (!intervals.empty()) {
        series.points.push_back({intervals.back().to_seconds, series.points.back().y, {}});
      }
      figure.series.push_back(std::move(series));
    }
    if (!figure.series.empty()) figures.push_back(std::move(figure));
  }
  return figures;
}

std::vector<Figure> TimelineFigures(const RunRecord& run) {
  Figure figure{.kind = FigureKind::kGantt};
  figure.title = "Timeline";
  figure.x = TimeAxis(run);
  figure.bands = WindowBands(run);
  figure.band_name = "every other window";
  std::map<std::string, int> rows;
  // Row 0 is the lowest.
  figure.y.places = {"labels and profiles"};
  for (auto stream = run.streams.rbegin(); stream != run.streams.rend(); ++stream) {
    if (rows.emplace(stream->id, static_cast<int>(figure.y.places.size())).second) {
      figure.y.places.push_back(stream->id);
    }
  }
  figure.span_kinds = RetrainingSpans(run, "", rows);
  SpanKind labelling{.name = "labelling", .spans = {}, .color = 2};
  SpanKind profiling{.name = "profiling", .spans = {}, .color = 3};
  for (const WindowRecord& window : run.windows) {
    const double labelled = window.start_seconds + window.labelling_seconds;
    if (window.labelling_seconds > 0) {
      labelling.spans.push_back(
          {window.start_seconds, labelled,
           fmt::format("window {}: {}", window.window, SecondsText(window.labelling_seconds)), 0});
    }
    if (window.profiling_seconds > 0) {
      profiling.spans.push_back({labelled, labelled + window.profiling_seconds,
                                 fmt::format("window {}: {}, {} of a device", window.window,
                                             SecondsText(window.profiling_seconds),
                                             SecondsText(window.profiling_device_seconds)),
                                 0});
    }
  }
  if (!labelling.spans.empty()) figure.span_kinds.push_back(std::move(labelling));
  if (!profiling.spans.empty()) figure.span_kinds.push_back(std::move(profiling));
  figure.height = 56 + 30.0 * static_cast<double>(figure.y.places.size());
  if (figure.span_kinds.empty()) return {};
  return {std::move(figure)};
}

std::vector<Figure> PredictionFigures(const RunRecord& run, Palette& streams) {
  std::vector<Figure> figures;
  for (const bool accuracy : {true, false}) {
    figures.push_back(PredictionFigure(run, streams, accuracy));
    if (figures.back().series.empty()) figures.pop_back();
  }
  return figures;
}

}  // namespace ekya::report
