#include "apps/learning/shares.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/shares_measures.h"
#include "apps/learning/shares_worker.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"

namespace ekya::learning {
namespace {

const std::vector<double> kShares = {0.10, 0.25, 0.50, 0.75, 0.90};
const std::vector<double> kCourse = {0.10, 0.90, 0.25, 0.75, 0.50, 0.90, 0.10, 0.50};
const std::vector<double> kInferenceShares = {0.10, 0.25, 0.50};
constexpr double kSteadySeconds = 3;
// A job that is given a whole core and gets less than this has company.
constexpr double kAlone = 0.97;
constexpr double kCourseSeconds = 1.5;  // At each share of the course.
constexpr double kLeastChange = 0.4;    // Smaller ones are lost in the noise of half a second.
constexpr int kChangeRounds = 3;        // Every change so many times.
constexpr int kIntervalTurns = 2;
constexpr double kIntervalSeconds = 6;
constexpr int kRestarts = 10;
// Minibatches of some milliseconds: where they begin is not seen from outside.
constexpr int kWorkerBatchSize = 2;
// The paper's window, for what restarts cost of it.
constexpr double kWindowSeconds = 200;

/// What one way to enforce shares gave.
struct MechanismResult {
  std::string mechanism;
  bool paced = false;
  bool in_worker = false;  // The training was in a worker process, else in a thread of this one.
  double whole_core = 0;   // What a job got that was given all of it.
  std::vector<SteadyShare> steady;
  std::vector<ShareChange> changes;
  double minibatch_seconds = 0;
  ShareCourse course;
  std::vector<FrameIntervals> intervals;

  double WorstErrorPoints() const {
    double worst = 0;
    for (const SteadyShare& share : steady) {
      worst = std::max(worst, 100 * std::abs(share.measured - share.requested));
    }
    return worst;
  }
  std::vector<double> LateMilliseconds() const {
    std::vector<double> late;
    for (const ShareChange& change : changes) late.push_back(1e3 * std::abs(change.late_seconds));
    return late;
  }
};

/// p99 beside a training job, as a multiple of alone.
double IntervalRatio(const FrameIntervals& intervals) {
  return Quantile(intervals.beside, 0.99) / Quantile(intervals.alone, 0.99);
}

std::vector<std::pair<double, double>> Changes() {
  std::vector<std::pair<double, double>> changes;
  for (const double from : kShares) {
    for (const double to : kShares) {
      if (std::abs(from - to) < kLeastChange - 1e-9) continue;
      for (int i = 0; i < kChangeRounds; ++i) changes.emplace_back(from, to);
    }
  }
  return changes;
}

Status MeasureSteady(EndlessTraining& training, int rounds, MechanismResult* result) {
  EKYA_ASSIGN(const auto whole, MeasureSteadyShares(training, {1}, kSteadySeconds));
  result->whole_core = whole.front().measured;
  for (int i = 0; i < rounds; ++i) {
    EKYA_ASSIGN(auto steady, MeasureSteadyShares(training, kShares, kSteadySeconds));
    std::ranges::move(steady, std::back_inserter(result->steady));
  }
  Log(LogLevel::kInfo, "shares", "{}: shares held within {:.2f} points", result->mechanism,
      result->WorstErrorPoints());
  return {};
}

/// The same shares and changes, sent to a worker process as a live run's are.
Result<MechanismResult> MeasureWorker(const std::string& enforcement, const std::string& mechanism,
                                      const ExperimentRequest& request) {
  MechanismResult result;
  result.mechanism = mechanism + " in a worker";
  result.paced = mechanism == "pacing";
  result.in_worker = true;
  const auto folder = request.out / ("worker-" + enforcement);
  EKYA_ASSIGN(const auto training,
              TrainInWorker(enforcement, folder, kWorkerBatchSize, request.seed));
  EKYA_RETURN_IF_ERROR(MeasureSteady(*training, request.seeds, &result));
  EKYA_ASSIGN(
      result.changes,
      MeasureChangesFromOutside(*training, Changes(), DeriveSeed(request.seed, result.mechanism)));
  Log(LogLevel::kInfo, "shares", "{}: {} changes felt within {:.0f} ms", result.mechanism,
      result.changes.size(), Quantile(result.LateMilliseconds(), 1));
  std::error_code failed;
  std::filesystem::remove_all(folder, failed);
  return result;
}

Result<MechanismResult> Measure(resources::ShareEnforcer& enforcer, const ShareWork& work,
                                const ExperimentRequest& request) {
  MechanismResult result;
  result.mechanism = enforcer.mechanism();
  result.paced = result.mechanism == "pacing";
  const char* const about = "shares";
  {
    EKYA_ASSIGN(const auto training, TrainInThread(enforcer, work));
    EKYA_RETURN_IF_ERROR(MeasureSteady(*training, request.seeds, &result));
  }
  EKYA_ASSIGN(result.changes,
              MeasureChanges(enforcer, work, Changes(), DeriveSeed(request.seed, result.mechanism),
                             &result.minibatch_seconds));
  Log(LogLevel::kInfo, about, "{}: {} changes felt within {:.0f} ms", result.mechanism,
      result.changes.size(), Quantile(result.LateMilliseconds(), 1));
  EKYA_ASSIGN(result.course, MeasureCourse(enforcer, work, kCourse, kCourseSeconds));
  for (const double share : kInferenceShares) {
    EKYA_ASSIGN(auto intervals,
                MeasureIntervals(enforcer, work, share, kIntervalTurns, kIntervalSeconds));
    Log(LogLevel::kInfo, about, "{}: inference at {:.0f} %: p99 of frame intervals {:.2f} times",
        result.mechanism, 100 * share, IntervalRatio(intervals));
    result.intervals.push_back(std::move(intervals));
  }
  return result;
}

report::Summary SummaryOf(const std::vector<MechanismResult>& results,
                          const std::vector<double>& restarts) {
  report::Summary summary;
  auto& figures = summary.figures;
  double change = 0;
  double ratio = 0;
  for (const MechanismResult& result : results) {
    const std::string way = result.paced ? "_paced" : "_cgroup";
    const std::string suffix = result.paced ? "_paced" : "";
    const double p99 = Quantile(result.LateMilliseconds(), 0.99);
    change = std::max(change, p99);
    // The worst of both places; a worker's own beside it.
    double& error = figures["worst_error_points" + suffix];
    error = std::max(error, result.WorstErrorPoints());
    if (result.in_worker) {
      figures["worst_error_points_worker" + suffix] = result.WorstErrorPoints();
      figures["change_milliseconds_p99_worker" + way] = p99;
      continue;
    }
    figures["whole_core_share" + suffix] = result.whole_core;
    figures["minibatch_milliseconds" + suffix] = 1e3 * result.minibatch_seconds;
    figures["change_milliseconds_p99" + way] = p99;
    double worst = 0;
    for (const FrameIntervals& intervals : result.intervals) {
      worst = std::max(worst, IntervalRatio(intervals));
    }
    figures["frame_interval_p99_ratio" + way] = worst;
    ratio = std::max(ratio, worst);
  }
  figures["change_milliseconds_p99"] = change;
  figures["frame_interval_p99_ratio"] = ratio;
  figures["restart_milliseconds"] = 1e3 * Quantile(restarts, 0.5);
  return summary;
}

report::Figure SteadyFigure(const std::vector<MechanismResult>& results) {
  report::Figure figure;
  figure.kind = report::FigureKind::kScatter;
  figure.title = "What a training job got, less what was requested";
  figure.caption = fmt::format("Each point is a stretch of {:.0f} s.", kSteadySeconds);
  figure.x = {.name = "requested share", .unit = report::Unit::kPercent, .low = 0, .high = 1};
  figure.y = {.name = "points"};
  figure.reference = 0;
  figure.reference_name = "as requested";
  for (const MechanismResult& result : results) {
    report::Series series{.name = result.mechanism};
    for (const SteadyShare& share : result.steady) {
      series.points.push_back({share.requested, 100 * (share.measured - share.requested),
                               report::PercentText(share.measured)});
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

report::Figure CourseFigure(const MechanismResult& result) {
  report::Figure figure;
  figure.kind = report::FigureKind::kStep;
  figure.title = result.mechanism;
  figure.x = {.name = "time", .unit = report::Unit::kSeconds};
  figure.y = {.name = "share", .unit = report::Unit::kPercent, .low = 0, .high = 1};
  report::Series requested{.name = "requested", .dashed = true};
  report::Series measured{.name = "measured, each 0.1 s"};
  double before = 0;
  for (std::size_t i = 0; i < result.course.seconds.size(); ++i) {
    requested.points.push_back({before, result.course.requested[i]});
    measured.points.push_back({before, result.course.measured[i]});
    before = result.course.seconds[i];
  }
  figure.series = {std::move(measured), std::move(requested)};
  return figure;
}

report::Table ChangesTable(const std::vector<MechanismResult>& results,
                           const std::vector<double>& restarts) {
  report::Table table;
  table.caption = fmt::format(
      "How late a change of share is. Of a window of {:.0f} s, ten changes cost the job what the "
      "last column says.",
      kWindowSeconds);
  table.columns = {{"how"},
                   {"changes", true},
                   {"median, ms", true},
                   {"p99, ms", true},
                   {"ten in a window", true}};
  const auto add = [&](const std::string& how, const std::vector<double>& milliseconds) {
    const double median = Quantile(milliseconds, 0.5);
    table.rows.push_back({how, std::to_string(milliseconds.size()), fmt::format("{:.1f}", median),
                          fmt::format("{:.1f}", Quantile(milliseconds, 0.99)),
                          report::PercentText(10 * median / 1e3 / kWindowSeconds)});
  };
  for (const MechanismResult& result : results) add(result.mechanism, result.LateMilliseconds());
  std::vector<double> milliseconds;
  for (const double seconds : restarts) milliseconds.push_back(1e3 * seconds);
  add("restart of the process", milliseconds);
  return table;
}

report::Table IntervalsTable(const std::vector<MechanismResult>& results) {
  report::Table table;
  table.caption =
      "Intervals between two analysed frames of a camera of 10 frames a second, ms; training has "
      "the rest of the core.";
  table.columns = {{"by"},
                   {"inference's share", true},
                   {"ms a frame", true},
                   {"alone p50", true},
                   {"alone p99", true},
                   {"beside training p50", true},
                   {"beside training p99", true},
                   {"p99 ratio", true}};
  for (const MechanismResult& result : results) {
    for (const FrameIntervals& each : result.intervals) {
      const auto text = [](const std::vector<double>& intervals, double part) {
        return fmt::format("{:.0f}", 1e3 * Quantile(intervals, part));
      };
      table.rows.push_back({result.mechanism, report::PercentText(each.share),
                            fmt::format("{:.1f}", 1e3 * each.cpu_seconds), text(each.alone, 0.5),
                            text(each.alone, 0.99), text(each.beside, 0.5), text(each.beside, 0.99),
                            fmt::format("{:.2f}", IntervalRatio(each))});
    }
  }
  return table;
}

std::string PageOf(const std::vector<MechanismResult>& results,
                   const std::vector<double>& restarts) {
  report::Page page("Shares");
  page.Lead(
      "A training job's share of one core: requested and measured, and changed while it runs");
  if (std::ranges::all_of(results, &MechanismResult::paced)) {
    page.Notice("CPU quotas cannot be written here: shares are paced, and only that was measured.");
  }
  for (const MechanismResult& result : results) {
    if (result.whole_core >= kAlone) continue;
    page.Notice(fmt::format(
        "{}: something else computed on this core; a job that was given all of it got {}, and so "
        "shares above that say nothing of what enforces them.",
        result.mechanism, report::PercentText(result.whole_core)));
  }
  page.Heading("Requested and measured");
  page.Add(SteadyFigure(results));
  std::vector<report::Figure> courses;
  for (const MechanismResult& result : results) {
    if (!result.in_worker) courses.push_back(CourseFigure(result));
  }
  page.AddAlike(courses);
  page.Heading("Changes");
  page.Add(ChangesTable(results, restarts));
  for (const MechanismResult& result : results) {
    if (result.in_worker) continue;
    page.Paragraph(fmt::format(
        "{}: a minibatch takes {:.1f} ms of a whole core; after a change the next one began within "
        "{:.0f} ms at most.",
        result.mechanism, 1e3 * result.minibatch_seconds,
        1e3 * std::ranges::max(result.changes, {}, &ShareChange::next_minibatch_seconds)
                  .next_minibatch_seconds));
  }
  page.Heading("Inference beside training");
  page.Add(IntervalsTable(results));
  return std::move(page).Html();
}

Status WriteTables(const std::vector<MechanismResult>& results, const std::vector<double>& restarts,
                   const std::filesystem::path& out) {
  std::string steady = "mechanism,requested,measured\n";
  std::string changes = "mechanism,from,to,late_milliseconds,next_minibatch_milliseconds\n";
  std::string intervals = "mechanism,share,training,interval_milliseconds\n";
  for (const MechanismResult& result : results) {
    for (const SteadyShare& share : result.steady) {
      steady += fmt::format("{},{},{:.5f}\n", result.mechanism, share.requested, share.measured);
    }
    for (const ShareChange& change : result.changes) {
      changes += fmt::format("{},{},{},{:.3f},{:.3f}\n", result.mechanism, change.from, change.to,
                             1e3 * change.late_seconds, 1e3 * change.next_minibatch_seconds);
    }
    for (const FrameIntervals& each : result.intervals) {
      for (const auto& [training, list] : {std::pair("no", &each.alone), {"yes", &each.beside}}) {
        for (const double seconds : *list) {
          intervals += fmt::format("{},{},{},{:.3f}\n", result.mechanism, each.share, training,
                                   1e3 * seconds);
        }
      }
    }
  }
  std::string restart = "milliseconds\n";
  for (const double seconds : restarts) restart += fmt::format("{:.3f}\n", 1e3 * seconds);
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "shares.csv", steady));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "changes.csv", changes));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "intervals.csv", intervals));
  return WriteFileAtomically(out / "restarts.csv", restart);
}

}  // namespace

Status RunShares(const ExperimentRequest& request) {
  if (IsRestarted()) return TrainUntilKilled(request.out);
  EKYA_ASSIGN(const ShareWork work, MakeShareWork());
  std::vector<MechanismResult> results;
  for (const char* enforcement : {"cgroup", "pacing"}) {
    const auto enforcer = resources::MakeShareEnforcer(enforcement);
    if (!enforcer.ok()) {
      Log(LogLevel::kWarning, "shares", "quotas are not measured: {}", enforcer.error().message);
      continue;
    }
    EKYA_ASSIGN(auto result, Measure(**enforcer, work, request));
    EKYA_ASSIGN(auto worker, MeasureWorker(enforcement, result.mechanism, request));
    results.push_back(std::move(result));
    results.push_back(std::move(worker));
  }
  EKYA_ASSIGN(const auto restarts, MeasureRestarts(work, request.out / "restarts", kRestarts));
  EKYA_RETURN_IF_ERROR(WriteTables(results, restarts, request.out));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(request.out / "summary.json",
                                           report::WriteSummary(SummaryOf(results, restarts))));
  return WriteFileAtomically(request.out / "report.html", PageOf(results, restarts));
}

}  // namespace ekya::learning
