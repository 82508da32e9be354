#include "apps/experiments/sweep_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "apps/report/html_page.h"
#include "base/file.h"

namespace ekya::experiments {
namespace {

using simulator::SweepRow;

struct Mean {
  double sum = 0;
  int count = 0;

  void Add(double value) {
    sum += value;
    ++count;
  }
  double Value() const { return count > 0 ? sum / count : 0; }
};

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::vector<std::string> SchedulersOf(const std::vector<SweepRow>& rows) {
  std::vector<std::string> schedulers;
  for (const SweepRow& row : rows) {
    if (std::find(schedulers.begin(), schedulers.end(), row.settings.scheduler) ==
        schedulers.end()) {
      schedulers.push_back(row.settings.scheduler);
    }
  }
  return schedulers;
}

bool Varies(const std::vector<SweepRow>& rows, Variable variable) {
  std::set<double> values;
  for (const SweepRow& row : rows) values.insert(ValueOf(row, variable));
  return values.size() > 1;
}

const char* NameOf(Variable variable) {
  switch (variable) {
    case Variable::kDevices:
      return "devices";
    case Variable::kStreams:
      return "streams";
    case Variable::kWindowSeconds:
      return "retraining window";
    case Variable::kQuantum:
      return "quantum, part of a device";
    case Variable::kNoise:
      return "noise on the estimates";
  }
  return "";
}

}  // namespace

double ValueOf(const SweepRow& row, Variable variable) {
  switch (variable) {
    case Variable::kDevices:
      return row.settings.devices;
    case Variable::kStreams:
      return row.streams;
    case Variable::kWindowSeconds:
      return row.window_seconds;
    case Variable::kQuantum:
      return 1.0 / row.settings.quanta_per_device;
    case Variable::kNoise:
      return row.settings.noise;
  }
  return 0;
}

report::Summary SummaryOf(const std::vector<SweepRow>& rows,
                          const std::map<std::string, double>& figures) {
  report::Summary summary;
  summary.figures = figures;
  for (const SweepRow& row : rows) {
    report::SummaryRow out;
    out.scheduler = row.settings.scheduler;
    out.seed = row.settings.seed;
    out.devices = row.settings.devices;
    out.streams = row.streams;
    out.window_seconds = row.window_seconds;
    out.mean_accuracy = row.mean_accuracy;
    out.source = "truth";
    out.worst_stream_accuracy = row.worst_stream_accuracy;
    out.retrainings = row.retrainings;
    out.swaps = row.swaps;
    out.device_seconds = {row.inference_device_seconds, row.retraining_device_seconds,
                          row.profiling_device_seconds, row.labelling_device_seconds};
    summary.rows.push_back(std::move(out));
  }
  return summary;
}

std::string RowsCsv(const std::vector<SweepRow>& rows) {
  std::string text =
      "scheduler,seed,devices,quanta_per_device,streams,windows,window_seconds,accuracy_floor,"
      "noise,"
      "preparation,swap_seconds,share_change_seconds,gate,mean_accuracy,worst_stream_accuracy,"
      "decisions,retrainings,swaps,warnings,predicted_error,inference_device_seconds,"
      "retraining_device_seconds,profiling_device_seconds,labelling_device_seconds\n";
  for (const SweepRow& row : rows) {
    const simulator::SimulationSettings& s = row.settings;
    text += fmt::format(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{:.6f},{:.6f},{},{},{},{},{:.6f},"
        "{:.3f},{:.3f},{:.3f},{:.3f}\n",
        Quoted(s.scheduler), s.seed, s.devices, s.quanta_per_device, row.streams, row.windows,
        row.window_seconds, s.accuracy_floor, s.noise, s.preparation, s.swap_seconds,
        s.share_change_seconds, s.gate ? 1 : 0, row.mean_accuracy, row.worst_stream_accuracy,
        row.decisions, row.retrainings, row.swaps, row.warnings, row.predicted_error,
        row.inference_device_seconds, row.retraining_device_seconds, row.profiling_device_seconds,
        row.labelling_device_seconds);
  }
  return text;
}

report::Figure AccuracyFigure(const std::vector<SweepRow>& rows, Variable variable,
                              const std::string& title, const std::string& caption) {
  report::Figure figure;
  figure.kind = report::FigureKind::kLine;
  figure.title = title;
  figure.caption = caption;
  figure.x.name = NameOf(variable);
  if (variable == Variable::kWindowSeconds) figure.x.unit = report::Unit::kSeconds;
  if (variable == Variable::kNoise) figure.x.unit = report::Unit::kPercent;
  figure.y.name = "mean accuracy";
  figure.y.unit = report::Unit::kPercent;
  for (const std::string& scheduler : SchedulersOf(rows)) {
    std::map<double, Mean> means;
    for (const SweepRow& row : rows) {
      if (row.settings.scheduler == scheduler) {
        means[ValueOf(row, variable)].Add(row.mean_accuracy);
      }
    }
    report::Series series;
    series.name = scheduler;
    series.dashed = scheduler.starts_with("oracle:");
    for (const auto& [x, mean] : means) {
      report::Point point;
      point.x = x;
      point.y = mean.Value();
      point.note = fmt::format("{}, {} runs", scheduler, mean.count);
      series.points.push_back(std::move(point));
    }
    figure.series.push_back(std::move(series));
  }
  return figure;
}

report::Table AccuracyTable(const std::vector<SweepRow>& rows) {
  report::Table table;
  table.columns = {{"scheduler", false},           {"runs", true},
                   {"mean accuracy", true},        {"worst stream", true},
                   {"retrainings", true},          {"swaps", true},
                   {"retraining, device s", true}, {"profiling, device s", true}};
  for (const std::string& scheduler : SchedulersOf(rows)) {
    Mean accuracy;
    Mean worst;
    Mean retrainings;
    Mean swaps;
    Mean retraining;
    Mean profiling;
    for (const SweepRow& row : rows) {
      if (row.settings.scheduler != scheduler) continue;
      accuracy.Add(row.mean_accuracy);
      worst.Add(row.worst_stream_accuracy);
      retrainings.Add(row.retrainings);
      swaps.Add(row.swaps);
      retraining.Add(row.retraining_device_seconds);
      profiling.Add(row.profiling_device_seconds);
    }
    table.rows.push_back(
        {scheduler, std::to_string(accuracy.count), fmt::format("{:.4f}", accuracy.Value()),
         fmt::format("{:.4f}", worst.Value()), fmt::format("{:.1f}", retrainings.Value()),
         fmt::format("{:.1f}", swaps.Value()), fmt::format("{:.1f}", retraining.Value()),
         fmt::format("{:.1f}", profiling.Value())});
  }
  return table;
}

Status WriteSweep(const std::filesystem::path& directory, const std::string& title,
                  const std::vector<SweepRow>& rows) {
  report::Page page(title);
  page.Lead(fmt::format("{} simulated runs on recorded profiles; accuracy is the trace's truth",
                        rows.size()));
  page.Heading("Accuracy");
  page.Add(AccuracyTable(rows));
  for (const Variable variable : {Variable::kDevices, Variable::kStreams, Variable::kWindowSeconds,
                                  Variable::kQuantum, Variable::kNoise}) {
    if (Varies(rows, variable)) {
      page.Add(AccuracyFigure(rows, variable, fmt::format("Accuracy against {}", NameOf(variable)),
                              "Mean over streams, windows, seeds and whatever else was varied."));
    }
  }
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(directory / "rows.csv", RowsCsv(rows)));
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(directory / "summary.json", report::WriteSummary(SummaryOf(rows, {}))));
  return WriteFileAtomically(directory / "report.html", std::move(page).Html());
}

}  // namespace ekya::experiments
