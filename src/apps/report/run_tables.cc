#include "apps/report/run_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "apps/report/html_page.h"

namespace ekya::report {
namespace {

using window::RetrainingRecord;
using window::RunRecord;
using window::StreamRecord;
using window::WindowRecord;

std::string PointsText(const std::optional<double>& points) {
  return points ? fmt::format("{:+.1f}", *points) : "-";
}

}  // namespace

Table ComparisonTable(const std::vector<SchedulerResult>& results) {
  Table table;
  table.columns = {{"Scheduler"},           {"Runs", true},
                   {"Mean accuracy", true}, {"Above none", true},
                   {"Above uniform", true}, {"Worst stream", true},
                   {"Frames", true},        {"Skipped", true},
                   {"Retrainings", true},   {"Models swapped", true},
                   {"Device seconds", true}};
  for (const SchedulerResult& result : results) {
    double frames = 0;
    double skipped = 0;
    double retrainings = 0;
    double swaps = 0;
    double seconds = 0;
    for (const SummaryRow& row : result.runs) {
      frames += static_cast<double>(row.frames);
      skipped += static_cast<double>(row.frames_skipped);
      retrainings += row.retrainings;
      swaps += row.swaps;
      seconds += row.device_seconds.Total();
    }
    const double runs = static_cast<double>(result.runs.size());
    table.rows.push_back(
        {result.Label(), fmt::format("{}", result.runs.size()),
         PercentText(result.mean_accuracy.value_or(kMissing)), PointsText(result.above_none),
         PointsText(result.above_uniform),
         PercentText(result.worst_stream_accuracy.value_or(kMissing)), CountText(frames / runs),
         PercentText(frames > 0 ? skipped / frames : kMissing),
         fmt::format("{:.4g}", retrainings / runs), fmt::format("{:.4g}", swaps / runs),
         CountText(std::round(seconds / runs))});
  }
  table.caption =
      "Differences are points of accuracy over the seeds that both ran, against the best "
      "uniform where there are several; counts are per run.";
  return table;
}

Table StreamTable(const RunRecord& run) {
  Table table;
  table.columns = {{"Stream"},       {"Accuracy", true},    {"95 % interval", true},
                   {"Source"},       {"Frames", true},      {"Skipped", true},
                   {"Missed", true}, {"Retrainings", true}, {"Models swapped", true},
                   {"Classes"}};
  for (const StreamRecord& stream : run.streams) {
    const auto earlier = [&stream](const std::map<std::string, int>& counts) {
      const auto count = counts.find(stream.id);
      return count == counts.end() ? 0 : count->second;
    };
    int retrainings = earlier(run.earlier.retrainings);
    for (const WindowRecord& window : run.windows) {
      for (const RetrainingRecord& retraining : window.retrainings) {
        retrainings += retraining.stream == stream.id;
      }
    }
    const auto swaps = earlier(run.earlier.swaps) +
                       std::count_if(run.swaps.begin(), run.swaps.end(),
                                     [&](const auto& swap) { return swap.stream == stream.id; });
    const double frames = static_cast<double>(stream.frames);
    const double skipped = static_cast<double>(stream.frames_skipped);
    const double missed = static_cast<double>(stream.analyses_missed);
    const auto accuracy = JudgedAccuracy(stream);
    table.rows.push_back({stream.id, PercentText(accuracy.value_or(kMissing)),
                          accuracy ? fmt::format("{} to {}", PercentText(stream.accuracy_low),
                                                 PercentText(stream.accuracy_high))
                                   : "-",
                          stream.accuracy_source, CountText(frames),
                          PercentText(frames > 0 ? skipped / frames : kMissing),
                          PercentText(frames > 0 ? missed / frames : kMissing),
                          fmt::format("{}", retrainings), fmt::format("{}", swaps),
                          fmt::format("{}", fmt::join(stream.classes, ", "))});
  }
  return table;
}

Table RetrainingTable(const RunRecord& run) {
  Table table;
  table.columns = {{"Window", true},   {"Stream"},
                   {"Configuration"},  {"Start", true},
                   {"End", true},      {"Predicted accuracy", true},
                   {"Achieved", true}, {"Predicted device time", true},
                   {"Measured", true}, {"Outcome"}};
  for (const WindowRecord& window : run.windows) {
    for (const RetrainingRecord& retraining : window.retrainings) {
      table.rows.push_back(
          {fmt::format("{}", window.window), retraining.stream, retraining.configuration,
           ClockText(retraining.start_seconds), ClockText(retraining.end_seconds),
           PercentText(retraining.predicted_accuracy),
           retraining.achieved_accuracy > 0 ? PercentText(retraining.achieved_accuracy) : "-",
           SecondsText(retraining.predicted_device_seconds), SecondsText(retraining.device_seconds),
           retraining.outcome});
    }
  }
  return table;
}

}  // namespace ekya::report
