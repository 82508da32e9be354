#include "apps/learning/estimates.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "apps/learning/estimates_data.h"
#include "apps/learning/profiling.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "base/random.h"

namespace ekya::learning {
namespace {

// Streams that are recorded at once. Costs are processor seconds, which the others do not change.
constexpr int kAtOnce = 6;

/// All windows of all streams, trained exhaustively and kept in `folder`.
Status RecordAll(const std::vector<EstimatesData>& sets, const std::filesystem::path& folder) {
  struct Job {
    const EstimatesData* set;
    const SampleStream* stream;
  };
  std::vector<Job> jobs;
  std::size_t total = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (const EstimatesData& set : sets) {
      jobs.push_back({&set, &set.streams.at(i)});
      total += (set.streams[i].windows.size() - 1) * set.settings.grid.size();
    }
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  std::mutex mutex;
  Status first_error;
  const auto work = [&] {
    for (std::size_t i = next++; i < jobs.size(); i = next++) {
      const auto record = [&]() -> Status {
        EKYA_ASSIGN(const auto recording,
                    Recording::Open(*jobs[i].stream, jobs[i].set->settings,
                                    folder / jobs[i].set->id / jobs[i].stream->id));
        for (int window = 1; window < recording->windows(); ++window) {
          EKYA_ASSIGN(const RecordedWindow recorded, recording->Record(window, {}));
          static_cast<void>(recorded);
          done += jobs[i].set->settings.grid.size();
          std::fprintf(stderr, "estimates: %zu of %zu trainings recorded\n", done.load(), total);
        }
        return {};
      };
      if (Status status = record(); !status.ok()) {
        std::lock_guard lock(mutex);
        if (first_error.ok()) first_error = std::move(status);
        return;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kAtOnce; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return first_error;
}

/// One configuration in one window: what was promised and what it gave.
struct Row {
  const EstimatesData* set = nullptr;
  std::uint64_t seed = 0;
  std::string stream;
  int window = 0;
  std::string configuration;
  double truth = 0;
  double truth_seconds = 0;
  double truth_before = -1;  ///< Of the same configuration in the window before; -1: there is none.
  std::size_t judged = 0;    ///< Samples that the truth was measured on.
  RetrainingProfile shared;
  RetrainingProfile plain;

  double Error(bool of_plain) const { return (of_plain ? plain : shared).accuracy - truth; }
};

/// What estimating one data set came to.
struct SetResult {
  std::vector<Row> rows;
  int windows = 0;  ///< Of all streams.
  double shared_seconds = 0;
  double plain_seconds = 0;
  double exhaustive_seconds = 0;

  void Add(const SetResult& other) {
    rows.insert(rows.end(), other.rows.begin(), other.rows.end());
    windows += other.windows;
    shared_seconds += other.shared_seconds;
    plain_seconds += other.plain_seconds;
    exhaustive_seconds += other.exhaustive_seconds;
  }
};

/// Both methods on every window of `set`, in order of time as a box with its streams meets them.
Result<SetResult> Estimate(const EstimatesData& set, const std::filesystem::path& folder) {
  std::vector<std::unique_ptr<Recording>> recordings;
  for (const SampleStream& stream : set.streams) {
    EKYA_ASSIGN(auto recording, Recording::Open(stream, set.settings, folder / set.id / stream.id));
    recordings.push_back(std::move(recording));
  }
  profile::SharedProfiler profiler({}, set.settings.grid);
  SetResult result;
  std::map<std::pair<std::string, std::string>, double> last;  // truth, by stream and configuration
  for (int window = 1; window < recordings.front()->windows(); ++window) {
    for (const auto& recording : recordings) {
      EKYA_ASSIGN(const RecordedWindow recorded, recording->Record(window, {}));
      const std::uint64_t seed =
          DeriveSeed(set.settings.seed, fmt::format("{}/trials", recording->stream().id));
      EKYA_ASSIGN(const MicroProfile shared, ProfileShared(profiler, *recording, seed));
      EKYA_ASSIGN(const MicroProfile plain,
                  ProfilePlain(set.settings.grid, *recording, DeriveSeed(seed, "plain")));
      ++result.windows;
      result.shared_seconds += shared.device_seconds;
      result.plain_seconds += plain.device_seconds;
      for (std::size_t i = 0; i < recorded.retraining.size(); ++i) {
        const RecordedRetraining& truth = recorded.retraining[i];
        result.exhaustive_seconds += truth.device_seconds;
        double& before = last.try_emplace({recording->stream().id, truth.id}, -1).first->second;
        result.rows.push_back({&set, set.settings.seed, recording->stream().id, window, truth.id,
                               truth.accuracy, truth.device_seconds, before,
                               recording->Judged(window).size(), shared.profiles[i],
                               plain.profiles[i]});
        before = truth.accuracy;
      }
    }
  }
  return result;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The figures of some rows, in points of accuracy.
struct ErrorFigures {
  double median_points = 0;
  double bias_points = 0;
  double plain_median_points = 0;
  double plain_bias_points = 0;
  double median_seconds_ratio = 0;  ///< Of the device seconds' error, either way.
  /// Of one who knows for certain what each configuration gave in the window before, and takes it.
  double known_before_median_points = 0;
  /// Of one who knows what the truth would be on endless samples: what judging leaves to chance.
  double chance_median_points = 0;
};

ErrorFigures FiguresOf(const std::vector<Row>& rows) {
  ErrorFigures figures;
  std::vector<double> shared;
  std::vector<double> plain;
  std::vector<double> seconds;
  std::vector<double> known_before;
  std::vector<double> chance;
  constexpr double kMedianOfNormal = 0.6745;  // of the absolute value
  for (const Row& row : rows) {
    if (row.truth_before >= 0) known_before.push_back(100 * std::abs(row.truth_before - row.truth));
    chance.push_back(100 * kMedianOfNormal *
                     std::sqrt(row.truth * (1 - row.truth) / static_cast<double>(row.judged)));
    shared.push_back(100 * std::abs(row.Error(false)));
    plain.push_back(100 * std::abs(row.Error(true)));
    figures.bias_points += 100 * row.Error(false) / static_cast<double>(rows.size());
    figures.plain_bias_points += 100 * row.Error(true) / static_cast<double>(rows.size());
    seconds.push_back(std::abs(row.shared.device_seconds / row.truth_seconds - 1));
  }
  figures.median_points = Median(std::move(shared));
  figures.plain_median_points = Median(std::move(plain));
  figures.median_seconds_ratio = Median(std::move(seconds));
  figures.known_before_median_points = Median(std::move(known_before));
  figures.chance_median_points = Median(std::move(chance));
  return figures;
}

std::string Csv(const std::vector<Row>& rows) {
  std::string text =
      "data,seed,stream,window,configuration,accuracy,estimate,spread,plain_estimate,device_"
      "seconds,"
      "estimated_device_seconds,plain_estimated_device_seconds\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{},{},{:.6g},{:.6g},{:.4g},{:.6g},{:.5g},{:.5g},{:.5g}\n",
                        row.set->id, row.seed, row.stream, row.window, row.configuration, row.truth,
                        row.shared.accuracy, row.shared.spread, row.plain.accuracy,
                        row.truth_seconds, row.shared.device_seconds, row.plain.device_seconds);
  }
  return text;
}

/// Parts of `rows` by error, in bins of two points; the outermost hold all that is beyond.
report::Figure Distribution(const std::vector<Row>& rows, const std::string& title) {
  constexpr int kBins = 21;
  constexpr double kWidth = 0.02;
  report::Figure figure;
  figure.kind = report::FigureKind::kBar;
  figure.title = title;
  figure.x.name = "estimate less truth, points";
  figure.y = {.name = "estimates", .unit = report::Unit::kPercent, .low = 0.0};
  for (int bin = 0; bin < kBins; ++bin) {
    figure.x.places.push_back(fmt::format("{}", 2 * (bin - kBins / 2)));
  }
  for (const bool plain : {false, true}) {
    report::Series series{.name = plain ? "the paper's method" : "ours"};
    std::vector<double> count(kBins);
    for (const Row& row : rows) {
      const auto bin = std::lround(row.Error(plain) / kWidth) + kBins / 2;
      count[static_cast<std::size_t>(std::clamp(bin, 0L, static_cast<long>(kBins - 1)))] +=
          1 / static_cast<double>(rows.size());
    }
    for (int bin = 0; bin < kBins; ++bin) {
      series.points.push_back({static_cast<double>(bin), count[static_cast<std::size_t>(bin)]});
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

/// Median absolute error against the retraining window, over all data.
report::Figure ErrorOverTime(const std::vector<Row>& rows) {
  report::Figure figure;
  figure.title = "Median absolute error by retraining window";
  figure.x.name = "retraining window";
  figure.y = {.name = "error", .unit = report::Unit::kPercent, .low = 0.0};
  for (const bool plain : {false, true}) {
    std::map<int, std::vector<double>> errors;
    for (const Row& row : rows) errors[row.window].push_back(std::abs(row.Error(plain)));
    report::Series series{.name = plain ? "the paper's method" : "ours"};
    for (const auto& [window, values] : errors) {
      series.points.push_back({static_cast<double>(window), Median(values)});
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

report::Figure Scatter(const std::vector<Row>& rows) {
  report::Figure figure;
  figure.kind = report::FigureKind::kScatter;
  figure.title = "Estimate against truth";
  figure.x = {.name = "truth", .unit = report::Unit::kPercent};
  figure.y = {.name = "estimate", .unit = report::Unit::kPercent};
  figure.diagonal = true;
  figure.height = 380;
  for (const Row& row : rows) {
    // Rows come set by set, whatever their seed.
    if (figure.series.empty() || figure.series.back().name != row.set->title) {
      figure.series.push_back({.name = row.set->title});
    }
    figure.series.back().points.push_back({row.truth, row.shared.accuracy,
                                           fmt::format("seed {}, {}, window {}, {}", row.seed,
                                                       row.stream, row.window, row.configuration)});
  }
  return figure;
}

/// What each seed alone has: how far chance moves the figures.
report::Table BySeed(const std::vector<SetResult>& results) {
  report::Table table;
  table.caption = "Each seed alone: median absolute error and bias, points of accuracy.";
  table.columns.push_back({"data", false});
  bool first = true;
  for (const SetResult& result : results) {
    std::map<std::uint64_t, std::vector<Row>> by_seed;
    for (const Row& row : result.rows) by_seed[row.seed].push_back(row);
    std::vector<std::string> cells = {result.rows.front().set->title};
    for (const auto& [seed, rows] : by_seed) {
      if (first) table.columns.push_back({fmt::format("seed {}", seed), true});
      const ErrorFigures figures = FiguresOf(rows);
      cells.push_back(fmt::format("{:.2f}, {:+.2f}", figures.median_points, figures.bias_points));
    }
    first = false;
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Status Write(const std::vector<EstimatesData>& sets, const std::vector<SetResult>& results,
             int seeds, const std::filesystem::path& out) {
  constexpr double kWindowSeconds = 200;  // the paper's window, at a whole device
  report::Summary summary;
  report::Table table;
  table.caption = "Errors are in points of accuracy; times are processor seconds.";
  for (const char* name : {"data", "median error", "bias", "paper's median", "paper's bias",
                           "cost / exhaustive", "paper's cost / exhaustive", "seconds a window",
                           "seconds' error", "the window before, known", "chance of judging"}) {
    table.columns.push_back({name, std::string(name) != "data"});
  }
  SetResult all;
  double worst_window = 0;
  const auto add = [&](const std::string& title, const std::string& suffix,
                       const SetResult& result) {
    const ErrorFigures figures = FiguresOf(result.rows);
    const double ratio = result.shared_seconds / result.exhaustive_seconds;
    const double plain_ratio = result.plain_seconds / result.exhaustive_seconds;
    // All three streams' profiling in one window.
    const double window = 3 * result.shared_seconds / result.windows;
    worst_window = std::max(worst_window, window);
    summary.figures["median_absolute_error_points" + suffix] = figures.median_points;
    summary.figures["bias_points" + suffix] = figures.bias_points;
    summary.figures["plain_median_absolute_error_points" + suffix] = figures.plain_median_points;
    summary.figures["cost_of_exhaustive_ratio" + suffix] = ratio;
    summary.figures["plain_cost_of_exhaustive_ratio" + suffix] = plain_ratio;
    summary.figures["seconds_median_error_ratio" + suffix] = figures.median_seconds_ratio;
    summary.figures["known_before_median_points" + suffix] = figures.known_before_median_points;
    summary.figures["chance_median_points" + suffix] = figures.chance_median_points;
    table.rows.push_back({title, fmt::format("{:.2f}", figures.median_points),
                          fmt::format("{:+.2f}", figures.bias_points),
                          fmt::format("{:.2f}", figures.plain_median_points),
                          fmt::format("{:+.2f}", figures.plain_bias_points),
                          fmt::format("{:.2f} %", 100 * ratio),
                          fmt::format("{:.1f} %", 100 * plain_ratio), fmt::format("{:.3f}", window),
                          fmt::format("{:.0f} %", 100 * figures.median_seconds_ratio),
                          fmt::format("{:.2f}", figures.known_before_median_points),
                          fmt::format("{:.2f}", figures.chance_median_points)});
  };
  for (std::size_t i = 0; i < sets.size(); ++i) {
    add(sets[i].title, "_" + sets[i].id, results[i]);
    all.Add(results[i]);
  }
  add("all", "", all);
  summary.figures["cost_of_window_ratio"] = worst_window / kWindowSeconds;

  report::Page page("How good estimates are, and what they cost");
  page.Lead(
      fmt::format("{} data sets, 3 streams and {} windows each, {} configurations, every one "
                  "of them trained in full; seeds: {}",
                  sets.size(), all.windows / (3 * seeds * static_cast<int>(sets.size())),
                  sets.front().settings.grid.size(), seeds));
  page.Add({{fmt::format("{:.2f} points", summary.figures["median_absolute_error_points"]),
             "median absolute error", "of the estimated accuracy"},
            {fmt::format("{:+.2f} points", summary.figures["bias_points"]), "bias", ""},
            {report::PercentText(summary.figures["cost_of_exhaustive_ratio"]), "cost",
             "of exhaustive training"},
            {fmt::format("{:.2f} points", summary.figures["plain_median_absolute_error_points"]),
             "median absolute error", "the paper's method"}});
  page.Heading("By data set");
  page.Paragraph(
      "The truth is the accuracy of a fully retrained model on the window in which it serves: all "
      "its samples, none of which reaches training, trials or held-out samples. Estimates are made "
      "before that window, from the samples of the one before it.");
  page.Add(table);
  page.Add(BySeed(results));
  page.Paragraph(
      "The window before, known: the median error of one who knows for certain what each "
      "configuration gave in the window before, and takes that. Chance of judging: that of one who "
      "knows everything but which samples the truth happens to be measured on, were these "
      "independent; those of one scene are alike, and leave more to chance.");
  page.Heading("Distribution of errors");
  page.Add(Distribution(all.rows, "All data"));
  std::vector<report::Figure> figures;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    figures.push_back(Distribution(results[i].rows, sets[i].title));
  }
  page.AddAlike(figures);
  page.Add(ErrorOverTime(all.rows));
  page.Add(Scatter(all.rows));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "estimates.csv", Csv(all.rows)));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(out / "report.html", std::move(page).Html());
}

}  // namespace

Status RunEstimates(const ExperimentRequest& request) {
  std::vector<std::vector<EstimatesData>> by_seed;  // rows point into them
  std::vector<SetResult> results;
  for (int i = 0; i < request.seeds; ++i) {
    const std::uint64_t seed = request.seed + static_cast<std::uint64_t>(i);
    EKYA_ASSIGN(auto opened, OpenEstimatesData(request.data, seed));
    const auto& sets = by_seed.emplace_back(std::move(opened));
    const auto folder = request.out / "recordings" / fmt::format("seed-{}", seed);
    EKYA_RETURN_IF_ERROR(RecordAll(sets, folder));
    std::vector<Result<SetResult>> found(sets.size(), SetResult{});
    std::vector<std::thread> threads;
    for (std::size_t set = 0; set < sets.size(); ++set) {
      threads.emplace_back([&, set] { found[set] = Estimate(sets[set], folder); });
    }
    for (std::thread& thread : threads) thread.join();
    results.resize(sets.size());
    for (std::size_t set = 0; set < sets.size(); ++set) {
      if (!found[set].ok()) return found[set].error();
      results[set].Add(*found[set]);
    }
  }
  return Write(by_seed.front(), results, request.seeds, request.out);
}

}  // namespace ekya::learning
