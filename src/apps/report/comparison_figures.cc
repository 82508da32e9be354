#include "apps/report/comparison_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "apps/report/html_page.h"

namespace ekya::report {
namespace {

using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;

/// Enough for the course of a run; the curve is a mean over streams and seeds anyway.
constexpr int kTimes = 240;

/// The accuracy of the interval that holds `time`; NaN where none does or nothing was judged.
double AccuracyAt(const StreamRecord& stream, double time) {
  const auto after = std::upper_bound(
      stream.intervals.begin(), stream.intervals.end(), time,
      [](double t, const StreamInterval& interval) { return t < interval.from_seconds; });
  if (after == stream.intervals.begin()) return kMissing;
  const StreamInterval& interval = *std::prev(after);
  return time < interval.to_seconds && interval.accuracy >= 0 ? interval.accuracy : kMissing;
}

/// Schedulers in order of first appearance.
std::vector<std::string> Schedulers(const std::vector<RunRecord>& runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs) {
    if (std::find(names.begin(), names.end(), run.scheduler) == names.end()) {
      names.push_back(run.scheduler);
    }
  }
  return names;
}

/// Sum and number of what was there to add.
struct RunningMean {
  double sum = 0;
  int count = 0;
  void Add(double value) {
    if (!std::isfinite(value)) return;
    sum += value;
    ++count;
  }
  double Value() const { return count > 0 ? sum / count : kMissing; }
};

}  // namespace

std::vector<Figure> MeanAccuracyFigures(const std::vector<SchedulerResult>& results,
                                        Palette& schedulers) {
  Figure figure{.kind = FigureKind::kBar};
  figure.title = "Mean accuracy";
  figure.caption = "dots: single runs";
  figure.labels = true;
  figure.y = {.name = "", .unit = Unit::kPercent, .low = 0, .high = 1, .places = {}};
  for (std::size_t i = 0; i < results.size(); ++i) {
    const SchedulerResult& result = results[i];
    if (!result.mean_accuracy) continue;
    const double place = static_cast<double>(figure.x.places.size());
    figure.x.places.push_back(result.Label());
    figure.series.push_back({.name = result.Label(),
                             .points = {{place, *result.mean_accuracy, {}}},
                             .color = schedulers.ColorOf(result.scheduler)});
    std::vector<Point> dots;
    for (const SummaryRow& row : result.runs) {
      if (row.mean_accuracy && result.runs.size() > 1) {
        dots.push_back({place, *row.mean_accuracy, fmt::format("seed {}", row.seed)});
      }
    }
    figure.dots.push_back(std::move(dots));
  }
  if (figure.series.empty()) return {};
  return {std::move(figure)};
}

std::vector<Figure> AccuracyOverTimeFigures(const std::vector<RunRecord>& runs,
                                            Palette& schedulers) {
  Figure figure{.kind = FigureKind::kLine};
  figure.title = "Accuracy over time";
  figure.caption = "mean over streams and seeds";
  figure.height = 300;
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      if (stream.intervals.empty()) continue;
      low = std::min(low, stream.intervals.front().from_seconds);
      high = std::max(high, stream.intervals.back().to_seconds);
    }
  }
  if (!(low < high)) return {};
  figure.x = {.name = "", .unit = Unit::kSeconds, .low = low, .high = high, .places = {}};
  double lowest = 1;
  for (const std::string& scheduler : Schedulers(runs)) {
    Series series{.name = scheduler, .color = schedulers.ColorOf(scheduler)};
    for (int i = 0; i < kTimes; ++i) {
      const double time = low + (high - low) * (i + 0.5) / kTimes;
      RunningMean mean;
      for (const RunRecord& run : runs) {
        if (run.scheduler != scheduler) continue;
        for (const StreamRecord& stream : run.streams) mean.Add(AccuracyAt(stream, time));
      }
      if (mean.count > 0) lowest = std::min(lowest, mean.Value());
      series.points.push_back({time, mean.Value(), {}});
    }
    figure.series.push_back(std::move(series));
  }
  figure.y = {
      .name = "", .unit = Unit::kPercent, .low = AccuracyAxisLow(lowest), .high = 1, .places = {}};
  return {std::move(figure)};
}

std::vector<Figure> StreamAccuracyFigures(const std::vector<RunRecord>& runs, Palette& schedulers) {
  std::map<std::string, std::map<std::string, RunningMean>> means;  // By scheduler, then stream.
  Figure figure{.kind = FigureKind::kBar};
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      const auto accuracy = JudgedAccuracy(stream);
      if (!accuracy) continue;
      means[run.scheduler][stream.id].Add(*accuracy);
      auto& places = figure.x.places;
      if (std::find(places.begin(), places.end(), stream.id) == places.end()) {
        places.push_back(stream.id);
      }
    }
  }
  if (figure.x.places.size() < 2) return {};
  figure.title = "Accuracy per stream";
  figure.caption = "mean over seeds";
  figure.y = {.name = "", .unit = Unit::kPercent, .low = 0, .high = 1, .places = {}};
  for (const std::string& scheduler : Schedulers(runs)) {
    Series series{.name = scheduler, .color = schedulers.ColorOf(scheduler)};
    for (std::size_t i = 0; i < figure.x.places.size(); ++i) {
      series.points.push_back(
          {static_cast<double>(i), means[scheduler][figure.x.places[i]].Value(), {}});
    }
    figure.series.push_back(std::move(series));
  }
  return {std::move(figure)};
}

std::vector<Figure> DeviceSecondsFigures(const std::vector<SchedulerResult>& results) {
  Figure figure{.kind = FigureKind::kStackedBar};
  figure.title = "Where the compute went";
  figure.caption = "device seconds";
  figure.y = {.name = "", .unit = Unit::kNumber, .low = 0, .high = {}, .places = {}};
  for (const SchedulerResult& result : results) figure.x.places.push_back(result.Label());
  const std::pair<const char*, double DeviceSeconds::*> kinds[] = {
      {"inference", &DeviceSeconds::inference},
      {"retraining", &DeviceSeconds::retraining},
      {"profiling", &DeviceSeconds::profiling},
      {"labelling", &DeviceSeconds::labelling}};
  bool any = false;
  for (const auto& [name, member] : kinds) {
    Series series{.name = name, .color = 4 + static_cast<int>(figure.series.size())};
    for (std::size_t i = 0; i < results.size(); ++i) {
      RunningMean mean;
      for (const SummaryRow& row : results[i].runs) mean.Add(row.device_seconds.*member);
      series.points.push_back({static_cast<double>(i), mean.Value(), {}});
      any = any || mean.sum > 0;
    }
    figure.series.push_back(std::move(series));
  }
  if (!any) return {};
  return {std::move(figure)};
}

}  // namespace ekya::report
