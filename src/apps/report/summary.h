#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decide/window/record.h"

namespace ekya::report {

/// Work of a whole run by kind of job, in seconds of a whole device.
struct DeviceSeconds {
  double inference = 0;
  double retraining = 0;
  double profiling = 0;
  double labelling = 0;

  double Total() const { return inference + retraining + profiling + labelling; }
};

/// What one run came to: one scheduler, one seed.
struct SummaryRow {
  std::string scheduler = {};
  std::uint64_t seed = 0;
  int devices = 1;
  int streams = 0;
  double window_seconds = 0;
  /// Over the streams of which anything was judged, each counting the same, 0..1; absent where
  /// there is none.
  std::optional<double> mean_accuracy = {};
  std::string source = {};  ///< "truth", "golden", "estimated"; several are joined by "+".
  std::optional<double> worst_stream_accuracy = {};
  std::int64_t frames = 0;
  std::int64_t frames_skipped = 0;
  int retrainings = 0;  ///< Started, whatever their outcome.
  int swaps = 0;
  DeviceSeconds device_seconds = {};
};

/// `ekya-summary/1`: the few numbers that other programs read of a report.
struct Summary {
  std::vector<SummaryRow> rows = {};           ///< One per run, in the runs' order.
  std::map<std::string, double> figures = {};  ///< Accuracy differences in points end in `_points`.
};

/// The stream's accuracy over the run, 0..1; absent where no frame of it was judged.
std::optional<double> JudgedAccuracy(const window::StreamRecord& stream);

SummaryRow SummaryRowOf(const window::RunRecord& run);

/// Rows of all runs and their figures. A figure of several runs of one scheduler is their mean; one
/// that several schedulers have is told apart by the scheduler's name in front. Adds
/// `X_minus_none_points` and `X_minus_uniform_points` for every scheduler X that ran beside them.
Summary Summarize(const std::vector<window::RunRecord>& runs);

std::string WriteSummary(const Summary& summary);

/// Strict: errors name file, line and key. WriteSummary's text gives the same value back.
Result<Summary> ReadSummary(std::string_view text, const std::string& file);

/// The results of one scheduler on one setting, over its seeds.
struct SchedulerResult {
  std::string scheduler = {};
  /// "2 devices, 3 streams, 30 s windows", where the runs differ in that; else empty.
  std::string setting = {};
  std::vector<SummaryRow> runs = {};  ///< By seed.
  std::optional<double> mean_accuracy = {};
  std::optional<double> worst_stream_accuracy = {};  ///< Mean over the runs.
  /// Points of accuracy (100 times the difference) above the best run scheduler of that name, over
  /// the seeds that both ran; absent for itself, for `none`, and where there is no such run.
  std::optional<double> above_none = {};
  std::optional<double> above_uniform = {};

  /// The scheduler, and the setting where it says something.
  std::string Label() const { return setting.empty() ? scheduler : scheduler + " · " + setting; }
};

/// One result per scheduler and setting, in order of first appearance but for the baselines:
/// `uniform` and then `none` come last.
std::vector<SchedulerResult> CompareSchedulers(const std::vector<SummaryRow>& rows);

/// 0 of a scheduler that is to be shown, 1 of `uniform`, 2 of `none`: baselines come last.
int BaselineRank(const std::string& scheduler);

/// "uniform" of "uniform:config=2,share=0.5".
std::string PolicyName(const std::string& scheduler);

}  // namespace ekya::report
