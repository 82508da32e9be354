#include "apps/learning/swaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/shares_measures.h"
#include "apps/learning/swapped_stream.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "base/log.h"

namespace ekya::learning {
namespace {

constexpr int kSwaps = 1000;
constexpr double kFramesPerSecond = 25;
constexpr double kLoad = 0.5;  // Of a core.
constexpr double kStretchSeconds = 2;

/// All stretches of one kind.
struct Kind {
  int frames = 0;
  int skipped = 0;
  int lost = 0;
  int swaps = 0;
  double longest_pause = 0;
  std::vector<double> latencies;
  std::vector<double> swap_times;

  double Latency(double part) const { return latencies.empty() ? 0 : Quantile(latencies, part); }
};

Kind KindOf(const std::vector<SwapStretch>& stretches, bool swapping) {
  Kind kind;
  for (const SwapStretch& each : stretches) {
    if (each.swapping != swapping) continue;
    kind.frames += each.frames;
    kind.skipped += each.skipped;
    kind.lost += each.lost;
    kind.swaps += each.swaps;
    kind.longest_pause = std::max(kind.longest_pause, each.longest_pause);
    kind.latencies.insert(kind.latencies.end(), each.latencies.begin(), each.latencies.end());
    kind.swap_times.insert(kind.swap_times.end(), each.swap_times.begin(), each.swap_times.end());
  }
  return kind;
}

report::Summary SummaryOf(const Kind& with, const Kind& without, const SwappedStream& stream) {
  report::Summary summary;
  auto& figures = summary.figures;
  figures["frames_dropped"] = with.skipped + with.lost;
  figures["frames_dropped_without_swaps"] = without.skipped + without.lost;
  figures["frames"] = with.frames;
  figures["frames_without_swaps"] = without.frames;
  figures["swaps"] = with.swaps;
  figures["latency_p99_ratio"] = with.Latency(0.99) / without.Latency(0.99);
  figures["latency_p50_ratio"] = with.Latency(0.5) / without.Latency(0.5);
  figures["latency_p99_milliseconds"] = 1e3 * with.Latency(0.99);
  figures["latency_p99_milliseconds_without_swaps"] = 1e3 * without.Latency(0.99);
  figures["longest_pause_milliseconds"] = 1e3 * with.longest_pause;
  figures["longest_pause_milliseconds_without_swaps"] = 1e3 * without.longest_pause;
  figures["frame_interval_milliseconds"] = 1e3 * stream.frame_interval();
  figures["swap_milliseconds"] = 1e3 * Quantile(with.swap_times, 0.5);
  figures["regions"] = stream.regions();
  return summary;
}

report::Figure LatencyFigure(const Kind& with, const Kind& without) {
  report::Figure figure;
  figure.title = "Latency";
  figure.caption =
      "From a frame's offer to its result: the part of the frames that took no longer.";
  figure.x = {.name = "milliseconds"};
  figure.y = {.name = "frames", .unit = report::Unit::kPercent, .low = 0, .high = 1};
  for (const auto& [name, kind] : {std::pair("with swaps", &with), {"without", &without}}) {
    report::Series series{.name = name};
    for (int i = 0; i <= 200; ++i) {
      series.points.push_back({1e3 * kind->Latency(i / 200.0), i / 200.0});
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

report::Figure StretchFigure(const std::vector<SwapStretch>& stretches) {
  report::Figure figure;
  figure.title = "Latency by stretch";
  figure.caption = fmt::format("p99 of stretches of {:.0f} s, in turns.", kStretchSeconds);
  figure.x = {.name = "turn"};
  figure.y = {.name = "milliseconds", .low = 0};
  figure.series = {{.name = "with swaps"}, {.name = "without"}};
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    if (stretches[i].latencies.empty()) continue;
    figure.series[stretches[i].swapping ? 0 : 1].points.push_back(
        {static_cast<double>(i / 2 + 1), 1e3 * Quantile(stretches[i].latencies, 0.99)});
  }
  return figure;
}

std::string PageOf(const std::vector<SwapStretch>& stretches, const SwappedStream& stream) {
  const Kind with = KindOf(stretches, true);
  const Kind without = KindOf(stretches, false);
  report::Page page("Swaps");
  page.Lead(fmt::format(
      "{} swaps of a classifier that serves {:.0f} frames a second with {} regions each",
      with.swaps, kFramesPerSecond, stream.regions()));
  report::Table table;
  table.columns = {{""},
                   {"frames", true},
                   {"skipped", true},
                   {"without a result", true},
                   {"p50, ms", true},
                   {"p99, ms", true},
                   {"longest pause, ms", true}};
  for (const auto& [name, kind] : {std::pair("with swaps", &with), {"without", &without}}) {
    table.rows.push_back({name, std::to_string(kind->frames), std::to_string(kind->skipped),
                          std::to_string(kind->lost),
                          fmt::format("{:.1f}", 1e3 * kind->Latency(0.5)),
                          fmt::format("{:.1f}", 1e3 * kind->Latency(0.99)),
                          fmt::format("{:.1f}", 1e3 * kind->longest_pause)});
  }
  page.Add(table);
  page.Add(LatencyFigure(with, without));
  page.Add(StretchFigure(stretches));
  return std::move(page).Html();
}

Status WriteTables(const std::vector<SwapStretch>& stretches, const std::filesystem::path& out) {
  std::string rows = "stretch,swapping,swaps,frames,skipped,lost,longest_pause_milliseconds\n";
  std::string latencies = "stretch,swapping,latency_milliseconds\n";
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const SwapStretch& each = stretches[i];
    const char* const swapping = each.swapping ? "yes" : "no";
    rows += fmt::format("{},{},{},{},{},{},{:.3f}\n", i, swapping, each.swaps, each.frames,
                        each.skipped, each.lost, 1e3 * each.longest_pause);
    for (const double seconds : each.latencies) {
      latencies += fmt::format("{},{},{:.3f}\n", i, swapping, 1e3 * seconds);
    }
  }
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(out / "stretches.csv", rows));
  return WriteFileAtomically(out / "latencies.csv", latencies);
}

}  // namespace

Status RunSwaps(const ExperimentRequest& request) {
  EKYA_ASSIGN(const auto enforcer, resources::MakeShareEnforcer("auto"));
  // As a stream's worker does.
  if (const Status joined = enforcer->JoinService(); !joined.ok()) {
    Log(LogLevel::kDebug, "swaps", "{}", joined.error().message);
  }
  EKYA_ASSIGN(const auto stream,
              SwappedStream::Make(*enforcer, request.out / "versions", kFramesPerSecond, kLoad,
                                  workers::ModelSwap::kCores));
  // Not measured: the first swap also starts libraries.
  EKYA_RETURN_IF_ERROR(stream->Swap());
  std::vector<SwapStretch> stretches;
  int swaps = 0;
  while (swaps < kSwaps) {
    // In turns, and so that neither kind is always the first.
    const bool first = (stretches.size() / 2) % 2 == 0;
    for (const bool swapping : {first, !first}) {
      EKYA_ASSIGN(auto stretch, stream->Serve(kStretchSeconds, swapping ? kSwaps - swaps : 0));
      swaps += stretch.swaps;
      stretches.push_back(std::move(stretch));
    }
    if (stretches.size() % 20 == 0) Log(LogLevel::kInfo, "swaps", "{} swaps", swaps);
  }
  const report::Summary summary =
      SummaryOf(KindOf(stretches, true), KindOf(stretches, false), *stream);
  EKYA_RETURN_IF_ERROR(WriteTables(stretches, request.out));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "summary.json", report::WriteSummary(summary)));
  return WriteFileAtomically(request.out / "report.html", PageOf(stretches, *stream));
}

}  // namespace ekya::learning
