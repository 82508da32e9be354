#include "apps/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "apps/report/json_members.h"
#include "core/document.h"
#include "core/json_writer.h"
#include "core/map_reader.h"

namespace ekya::report {
namespace {

using window::RunRecord;
using window::StreamRecord;

std::optional<double> Mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Lower-case letters, digits and underscores: a scheduler with options as part of a figure's name.
std::string FigureName(const std::string& scheduler) {
  std::string name;
  for (const char c : scheduler) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool upper = c >= 'A' && c <= 'Z';
    if (plain) name += c;
    if (upper) name += static_cast<char>(c - 'A' + 'a');
    if (!plain && !upper && !name.empty() && name.back() != '_') name += '_';
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

auto SettingOf(const SummaryRow& row) {
  return std::tuple(row.devices, row.streams, row.window_seconds);
}

/// 100 times the mean difference over the seeds that both have; where they share none (a single run
/// of another seed), over all.
std::optional<double> PointsAbove(const SchedulerResult& result, const SchedulerResult& baseline) {
  std::vector<double> differences;
  for (const SummaryRow& mine : result.runs) {
    for (const SummaryRow& other : baseline.runs) {
      if (mine.seed == other.seed && mine.mean_accuracy && other.mean_accuracy) {
        differences.push_back(100 * (*mine.mean_accuracy - *other.mean_accuracy));
      }
    }
  }
  if (!differences.empty()) return Mean(differences);
  if (!result.mean_accuracy || !baseline.mean_accuracy) return std::nullopt;
  return 100 * (*result.mean_accuracy - *baseline.mean_accuracy);
}

/// Against the best of the schedulers called `policy` in the same setting.
std::optional<double> PointsAbovePolicy(const SchedulerResult& result,
                                        const std::vector<SchedulerResult>& results,
                                        const std::string& policy) {
  const std::string own = PolicyName(result.scheduler);
  if (own == policy || own == "none") return std::nullopt;
  const SchedulerResult* best = nullptr;
  for (const SchedulerResult& other : results) {
    if (PolicyName(other.scheduler) != policy || !other.mean_accuracy) continue;
    if (SettingOf(other.runs.front()) != SettingOf(result.runs.front())) continue;
    if (best == nullptr || *other.mean_accuracy > *best->mean_accuracy) best = &other;
  }
  return best == nullptr ? std::nullopt : PointsAbove(result, *best);
}

void AddRunFigures(const std::vector<RunRecord>& runs, std::map<std::string, double>* figures) {
  std::map<std::string, std::map<std::string, std::vector<double>>> values;
  for (const RunRecord& run : runs) {
    for (const auto& [name, value] : run.figures) {
      if (std::isfinite(value)) values[name][run.scheduler].push_back(value);
    }
  }
  for (const auto& [name, by_scheduler] : values) {
    for (const auto& [scheduler, numbers] : by_scheduler) {
      const std::string key = by_scheduler.size() == 1 ? name : FigureName(scheduler) + "_" + name;
      (*figures)[key] = *Mean(numbers);
    }
  }
}

void AddDifferences(const std::vector<SummaryRow>& rows, std::map<std::string, double>* figures) {
  const std::vector<SchedulerResult> results = CompareSchedulers(rows);
  for (const SchedulerResult& result : results) {
    // Several settings have no one difference; an experiment names its own figures then.
    if (!result.setting.empty()) return;
  }
  for (const SchedulerResult& result : results) {
    const std::string name = FigureName(result.scheduler);
    if (result.above_none) (*figures)[name + "_minus_none_points"] = *result.above_none;
    if (result.above_uniform) (*figures)[name + "_minus_uniform_points"] = *result.above_uniform;
  }
}

Status ReadRow(const Node& node, const std::string& file, const std::string& path,
               SummaryRow* row) {
  MapReader map(node, file, path);
  constexpr double kLargest = std::numeric_limits<double>::max();
  map.Read("scheduler", &row->scheduler);
  ReadInteger(map, "seed", &row->seed);
  map.Read("devices", &row->devices, {0, 1e6});
  map.Read("streams", &row->streams, {0, 1e9});
  map.Read("window_seconds", &row->window_seconds, {0, kLargest});
  ReadNumberOrNull(map, "mean_accuracy", &row->mean_accuracy);
  map.Read("source", &row->source);
  ReadNumberOrNull(map, "worst_stream_accuracy", &row->worst_stream_accuracy);
  ReadInteger(map, "frames", &row->frames);
  ReadInteger(map, "frames_skipped", &row->frames_skipped);
  map.Read("retrainings", &row->retrainings, {0, 2e9});
  map.Read("swaps", &row->swaps, {0, 2e9});
  if (const Node* seconds = map.Map("device_seconds")) {
    MapReader inner(*seconds, file, map.PathOf("device_seconds"));
    inner.Read("inference", &row->device_seconds.inference, {0, kLargest});
    inner.Read("retraining", &row->device_seconds.retraining, {0, kLargest});
    inner.Read("profiling", &row->device_seconds.profiling, {0, kLargest});
    inner.Read("labelling", &row->device_seconds.labelling, {0, kLargest});
    map.Merge(inner.Finish());
  }
  return map.Finish();
}

}  // namespace

std::optional<double> JudgedAccuracy(const StreamRecord& stream) {
  if (!std::isfinite(stream.mean_accuracy) || stream.mean_accuracy < 0) return std::nullopt;
  const bool judged =
      stream.intervals.empty()
          ? stream.frames > 0 || stream.mean_accuracy > 0
          : std::any_of(stream.intervals.begin(), stream.intervals.end(),
                        [](const window::StreamInterval& i) { return i.accuracy >= 0; });
  if (!judged) return std::nullopt;
  return stream.mean_accuracy;
}

std::string PolicyName(const std::string& scheduler) {
  return scheduler.substr(0, scheduler.find(':'));
}

int BaselineRank(const std::string& scheduler) {
  const std::string policy = PolicyName(scheduler);
  return policy == "none" ? 2 : policy == "uniform" ? 1 : 0;
}

SummaryRow SummaryRowOf(const RunRecord& run) {
  SummaryRow row;
  row.scheduler = run.scheduler;
  row.seed = run.seed;
  row.devices = run.devices;
  row.streams = static_cast<int>(run.streams.size());
  row.window_seconds = run.window_seconds;
  std::set<std::string> sources;
  std::vector<double> accuracies;
  for (const StreamRecord& stream : run.streams) {
    if (const auto accuracy = JudgedAccuracy(stream)) {
      accuracies.push_back(*accuracy);
      if (!stream.accuracy_source.empty()) sources.insert(stream.accuracy_source);
    }
    row.frames += stream.frames;
    row.frames_skipped += stream.frames_skipped;
  }
  row.mean_accuracy = Mean(accuracies);
  if (!accuracies.empty()) {
    row.worst_stream_accuracy = *std::min_element(accuracies.begin(), accuracies.end());
  }
  row.source = fmt::format("{}", fmt::join(sources, "+"));
  for (const window::WindowRecord& window : run.windows) {
    row.retrainings += static_cast<int>(window.retrainings.size());
  }
  row.swaps = static_cast<int>(run.swaps.size());
  for (const auto& [stream, count] : run.earlier.retrainings) row.retrainings += count;
  for (const auto& [stream, count] : run.earlier.swaps) row.swaps += count;
  row.device_seconds = {run.inference_device_seconds, run.retraining_device_seconds,
                        run.profiling_device_seconds, run.labelling_device_seconds};
  return row;
}

Summary Summarize(const std::vector<RunRecord>& runs) {
  Summary summary;
  for (const RunRecord& run : runs) summary.rows.push_back(SummaryRowOf(run));
  AddDifferences(summary.rows, &summary.figures);
  AddRunFigures(runs, &summary.figures);
  return summary;
}

std::vector<SchedulerResult> CompareSchedulers(const std::vector<SummaryRow>& rows) {
  std::vector<SchedulerResult> results;
  std::set<std::tuple<int, int, double>> settings;
  for (const SummaryRow& row : rows) {
    settings.insert(SettingOf(row));
    const auto same = [&](const SchedulerResult& result) {
      return result.scheduler == row.scheduler && SettingOf(result.runs.front()) == SettingOf(row);
    };
    auto result = std::find_if(results.begin(), results.end(), same);
    if (result == results.end()) {
      result = results.insert(results.end(), SchedulerResult{.scheduler = row.scheduler});
    }
    result->runs.push_back(row);
  }
  for (SchedulerResult& result : results) {
    std::stable_sort(result.runs.begin(), result.runs.end(),
                     [](const SummaryRow& a, const SummaryRow& b) { return a.seed < b.seed; });
    std::vector<double> means;
    std::vector<double> worst;
    for (const SummaryRow& row : result.runs) {
      if (row.mean_accuracy) means.push_back(*row.mean_accuracy);
      if (row.worst_stream_accuracy) worst.push_back(*row.worst_stream_accuracy);
    }
    result.mean_accuracy = Mean(means);
    result.worst_stream_accuracy = Mean(worst);
    if (settings.size() > 1) {
      const SummaryRow& row = result.runs.front();
      result.setting = fmt::format("{} device{}, {} stream{}, {:.6g} s windows", row.devices,
                                   row.devices == 1 ? "" : "s", row.streams,
                                   row.streams == 1 ? "" : "s", row.window_seconds);
    }
  }
  std::stable_sort(results.begin(), results.end(), [](const auto& a, const auto& b) {
    return BaselineRank(a.scheduler) < BaselineRank(b.scheduler);
  });
  for (SchedulerResult& result : results) {
    result.above_none = PointsAbovePolicy(result, results, "none");
    result.above_uniform = PointsAbovePolicy(result, results, "uniform");
  }
  return results;
}

std::string WriteSummary(const Summary& summary) {
  JsonWriter json;
  MembersOf(json.BeginMap())("format", "ekya-summary/1").Key("rows").BeginList();
  for (const SummaryRow& row : summary.rows) {
    json.BeginMap();
    MembersOf(json)("scheduler", row.scheduler)("seed", row.seed)("devices", row.devices);
    MembersOf(json)("streams", row.streams)("window_seconds", row.window_seconds);
    MembersOf(json)("mean_accuracy", row.mean_accuracy);
    MembersOf(json)("source", row.source);
    MembersOf(json)("worst_stream_accuracy", row.worst_stream_accuracy);
    MembersOf(json)("frames", row.frames)("frames_skipped", row.frames_skipped);
    MembersOf(json)("retrainings", row.retrainings)("swaps", row.swaps);
    json.Key("device_seconds").BeginMap();
    MembersOf(json)("inference", row.device_seconds.inference);
    MembersOf(json)("retraining", row.device_seconds.retraining);
    MembersOf(json)("profiling", row.device_seconds.profiling);
    MembersOf(json)("labelling", row.device_seconds.labelling).EndMap().EndMap();
  }
  json.EndList().Key("figures").BeginMap();
  for (const auto& [name, value] : summary.figures) MembersOf(json)(name, value);
  return json.EndMap().EndMap().Take();
}

Result<Summary> ReadSummary(std::string_view text, const std::string& file) {
  EKYA_ASSIGN(const Node root, ParseJson(text, file));
  Summary summary;
  MapReader map(root, file, "");
  std::string format;
  map.ReadOneOf("format", &format, {"ekya-summary/1"});
  ReadList(map, "rows", &summary.rows, ReadRow);
  if (const Node* figures = map.Map("figures")) {
    MapReader inner(*figures, file, "figures");
    for (const auto& [name, value] : figures->members) {
      constexpr double kLargest = std::numeric_limits<double>::max();
      inner.Read(name, &summary.figures[name], {-kLargest, kLargest});
    }
    map.Merge(inner.Finish());
  }
  EKYA_RETURN_IF_ERROR(map.Finish());
  return summary;
}

}  // namespace ekya::report
