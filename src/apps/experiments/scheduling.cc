#include "apps/experiments/scheduling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "apps/experiments/sweep_output.h"
#include "apps/report/html_page.h"
#include "base/file.h"

namespace ekya::experiments {
namespace {

using simulator::SimulationSettings;
using simulator::SweepRow;

// At which the streams are counted that a box can carry: the paper's, and one that models which are
// never retrained do not reach.
constexpr double kUsefulAccuracy[] = {0.75, 0.85};
const std::vector<std::string> kDecided = {"planner", "exact", "thief"};
const std::vector<double> kDeviceAxis = {1, 2, 4, 8, 16};
// Further for the baselines: how much compute makes up for a bad scheduler.
const std::vector<double> kComputeAxis = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64};
const std::vector<double> kStreamAxis = {2, 4, 6, 8, 10, 12};
const std::vector<double> kCapacityStreams = {2, 4, 6, 8, 10, 12, 16, 20, 24};
const std::vector<double> kCapacityDevices = {1, 2, 4, 8};
const std::vector<double> kNoiseAxis = {0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3};
const std::vector<double> kWindowAxis = {10, 25, 50, 100, 200, 400, 800};
const std::vector<double> kQuantaAxis = {20, 10, 5, 4, 2, 1};

struct Section {
  std::string name;  // Of its CSV file.
  Variable variable = Variable::kDevices;
  std::string title;
  std::string caption;
  std::vector<SimulationSettings> runs;
  std::vector<SweepRow> rows;
};

std::vector<std::string> WithOracles(std::vector<std::string> schedulers) {
  for (const std::string& scheduler : kDecided) schedulers.push_back("oracle:" + scheduler);
  return schedulers;
}

void Set(SimulationSettings& run, Variable variable, double value) {
  switch (variable) {
    case Variable::kDevices:
      run.devices = static_cast<int>(value);
      break;
    case Variable::kStreams:
      run.streams = static_cast<int>(value);
      break;
    case Variable::kWindowSeconds:
      run.window_seconds = value;
      break;
    case Variable::kQuantum:
      run.quanta_per_device = static_cast<int>(value);
      break;
    case Variable::kNoise:
      run.noise = value;
      break;
  }
}

// Builds the runs of a section: every scheduler at every value of the axis, several seeds each.
class Builder {
 public:
  explicit Builder(const SchedulingSettings& settings) : settings_(settings) {
    base_.devices = settings.devices;
    base_.streams = settings.streams;
    base_.windows = settings.windows;
  }

  void Add(Section& section, const std::vector<std::string>& schedulers,
           const std::vector<double>& axis, const SimulationSettings& from, int seeds) const {
    for (const std::string& scheduler : schedulers) {
      for (std::size_t i = 0; i < axis.size(); ++i) {
        if (i % settings_.every != 0) continue;
        for (int seed = 0; seed < seeds; ++seed) {
          SimulationSettings run = from;
          run.scheduler = scheduler;
          run.seed = static_cast<std::uint64_t>(seed);
          Set(run, section.variable, axis[i]);
          section.runs.push_back(std::move(run));
        }
      }
    }
  }

  const SimulationSettings& base() const { return base_; }

 private:
  const SchedulingSettings& settings_;
  SimulationSettings base_;
};

std::vector<Section> MakeSections(const Trace& trace, const SchedulingSettings& settings) {
  const std::vector<std::string> uniforms = UniformBaselines(trace);
  std::vector<std::string> all = kDecided;
  // The paper's ablations: profiles without the scheduler, and the scheduler without profiles.
  all.emplace_back("fixed-res");
  if (!uniforms.empty()) {
    const std::string& costly = uniforms.front();
    const std::size_t config = costly.find("config=");
    all.push_back("fixed-config:" + costly.substr(config, costly.find(',') - config));
  }
  all.insert(all.end(), uniforms.begin(), uniforms.end());
  all.emplace_back("none");
  const Builder builder(settings);
  const int seeds = settings.seeds;

  std::vector<Section> sections(6);
  sections[0] = {
      "devices",
      Variable::kDevices,
      "Accuracy against devices",
      fmt::format("{} streams. Dashed: shown the truth instead of estimates, at no cost of "
                  "profiling.",
                  settings.streams),
      {},
      {}};
  builder.Add(sections[0], WithOracles(all), kDeviceAxis, builder.base(), seeds);
  std::vector<double> further;
  for (const double devices : kComputeAxis) {
    if (std::find(kDeviceAxis.begin(), kDeviceAxis.end(), devices) == kDeviceAxis.end()) {
      further.push_back(devices);
    }
  }
  std::vector<std::string> baselines = uniforms;
  baselines.insert(baselines.end(), {"thief", "exact", "none"});
  builder.Add(sections[0], baselines, further, builder.base(), seeds);

  sections[1] = {"streams",
                 Variable::kStreams,
                 "Accuracy against streams",
                 fmt::format("{} devices.", settings.devices),
                 {},
                 {}};
  builder.Add(sections[1], WithOracles(all), kStreamAxis, builder.base(), seeds);

  sections[2] = {"capacity", Variable::kStreams, "", "", {}, {}};
  for (std::size_t i = 0; i < kCapacityDevices.size(); i += settings.every) {
    SimulationSettings box = builder.base();
    box.devices = static_cast<int>(kCapacityDevices[i]);
    builder.Add(sections[2], all, kCapacityStreams, box, 1);
  }

  sections[3] = {
      "noise",
      Variable::kNoise,
      "Accuracy under noise on the estimates",
      "Estimates are the truth times normal noise of this standard deviation, on accuracy "
      "and on device seconds.",
      {},
      {}};
  std::vector<std::string> oracles;
  oracles.reserve(kDecided.size());
  for (const std::string& scheduler : kDecided) oracles.push_back("oracle:" + scheduler);
  builder.Add(sections[3], oracles, kNoiseAxis, builder.base(), seeds);

  sections[4] = {"window",
                 Variable::kWindowSeconds,
                 "Accuracy against the retraining window",
                 "The world changes once per window, however long that is.",
                 {},
                 {}};
  builder.Add(sections[4], WithOracles(kDecided), kWindowAxis, builder.base(), seeds);

  sections[5] = {"quantum",
                 Variable::kQuantum,
                 "Accuracy against the quantum",
                 "The smallest share, as a part of a device.",
                 {},
                 {}};
  builder.Add(sections[5], WithOracles(kDecided), kQuantaAxis, builder.base(), seeds);
  return sections;
}

// Mean accuracy by the value of `variable`, of one scheduler.
std::map<double, double> AccuracyBy(const std::vector<SweepRow>& rows, Variable variable,
                                    const std::string& scheduler) {
  std::map<double, std::pair<double, int>> sums;
  for (const SweepRow& row : rows) {
    if (row.settings.scheduler != scheduler) continue;
    auto& [sum, count] = sums[ValueOf(row, variable)];
    sum += row.mean_accuracy;
    ++count;
  }
  std::map<double, double> means;
  for (const auto& [x, sum] : sums) means[x] = sum.first / sum.second;
  return means;
}

struct Comparison {
  std::map<std::string, double> figures;
  report::Table compute;
  std::vector<report::Table> capacities;
  std::string best_uniform;
};

std::string Points(double points) { return fmt::format("{:+.1f} points", points); }

// The numbers that the experiment exists to show, from the devices section.
void CompareAtDevices(const std::vector<SweepRow>& rows, const std::vector<std::string>& uniforms,
                      const SchedulingSettings& settings, Comparison& out) {
  const double at = settings.devices;
  const auto accuracy = [&](const std::string& scheduler) -> std::optional<double> {
    const auto means = AccuracyBy(rows, Variable::kDevices, scheduler);
    const auto found = means.find(at);
    if (found == means.end()) return std::nullopt;
    return found->second;
  };
  const std::optional<double> planner = accuracy("planner");
  if (!planner) return;
  double uniform = -1;
  for (const std::string& scheduler : uniforms) {
    const std::optional<double> value = accuracy(scheduler);
    if (value && *value > uniform) {
      uniform = *value;
      out.best_uniform = scheduler;
    }
  }
  out.figures["planner_accuracy"] = *planner;
  if (const auto thief = accuracy("thief")) {
    out.figures["planner_minus_thief_points"] = 100 * (*planner - *thief);
  }
  if (uniform >= 0) out.figures["planner_minus_uniform_points"] = 100 * (*planner - uniform);
  const auto oracle = accuracy("oracle:planner");
  const auto oracle_thief = accuracy("oracle:thief");
  if (oracle && oracle_thief) {
    out.figures["oracle_planner_minus_thief_points"] = 100 * (*oracle - *oracle_thief);
    out.figures["oracle_planner_minus_uniform_points"] = 100 * (*oracle - uniform);
  }

  // Two goals: what the planner reaches with the estimates, and what it reaches knowing the truth.
  // A uniform share reads no estimate, so it is fair game for both.
  out.compute.columns = {{"scheduler", false}, {"devices", true}, {"multiple", true}};
  out.compute.caption = fmt::format(
      "Devices that reach the accuracy which the planner has on {:g} ({:.1f} %), between the "
      "measured "
      "ones by straight lines.",
      at, 100 * *planner);
  if (oracle) {
    out.compute.columns.push_back({"devices, truth", true});
    out.compute.caption += fmt::format(
        " Right: the accuracy that it has when shown the truth ({:.1f} %).", 100 * *oracle);
  }
  // What never gets there needs more than anything that was tried.
  double multiple = kComputeAxis.back() / at;
  double oracle_multiple = multiple;
  std::vector<std::string> baselines = {"exact", "thief", "none"};
  baselines.insert(baselines.end(), uniforms.begin(), uniforms.end());
  for (const std::string& scheduler : baselines) {
    const auto means = AccuracyBy(rows, Variable::kDevices, scheduler);
    if (means.empty()) continue;
    const double most = means.rbegin()->first;
    const double needed = DevicesFor(means, *planner);
    const double for_oracle = oracle ? DevicesFor(means, *oracle) : 0;
    if (std::find(uniforms.begin(), uniforms.end(), scheduler) != uniforms.end()) {
      if (needed > 0) multiple = std::min(multiple, needed / at);
      if (for_oracle > 0) oracle_multiple = std::min(oracle_multiple, for_oracle / at);
    }
    const auto text = [&](double devices) {
      return devices > 0 ? fmt::format("{:.1f}", devices) : fmt::format("more than {:g}", most);
    };
    std::vector<std::string> cells = {
        scheduler, text(needed),
        needed > 0 ? fmt::format("{:.1f}", needed / at) : fmt::format("> {:.0f}", most / at)};
    if (oracle) cells.push_back(text(for_oracle));
    out.compute.rows.push_back(std::move(cells));
  }
  out.figures["compute_multiple_of_uniform"] = multiple;
  if (oracle) out.figures["oracle_compute_multiple_of_uniform"] = oracle_multiple;
}

// How many streams each scheduler carries at accuracy `useful`.
void CompareCapacity(const std::vector<SweepRow>& rows, double useful, Comparison& out) {
  report::Table table;
  std::vector<std::string> schedulers;
  std::map<std::string, std::map<int, std::map<int, double>>> accuracy;
  for (const SweepRow& row : rows) {
    const std::string& scheduler = row.settings.scheduler;
    if (std::find(schedulers.begin(), schedulers.end(), scheduler) == schedulers.end()) {
      schedulers.push_back(scheduler);
    }
    accuracy[scheduler][row.settings.devices][row.streams] = row.mean_accuracy;
  }
  table.columns = {{"scheduler", false}};
  table.caption =
      fmt::format("Most streams (of those tried, at most {:g}) with a mean accuracy of {:g} %.",
                  kCapacityStreams.back(), 100 * useful);
  for (const std::string& scheduler : schedulers) {
    std::vector<std::string> cells = {scheduler};
    for (const auto& [devices, by_streams] : accuracy[scheduler]) {
      if (scheduler == schedulers.front()) {
        table.columns.push_back(
            {fmt::format("{} device{}", devices, devices == 1 ? "" : "s"), true});
      }
      int most = 0;
      for (const auto& [streams, value] : by_streams) {
        if (value >= useful) most = std::max(most, streams);
      }
      cells.push_back(std::to_string(most));
      const std::string name =
          fmt::format("_streams_at_{:03.0f}_on_{}_devices", 100 * useful, devices);
      if (scheduler == "planner") out.figures["planner" + name] = most;
      if (scheduler.starts_with("uniform")) {
        double& best = out.figures["uniform" + name];
        best = std::max(best, static_cast<double>(most));
      }
    }
    table.rows.push_back(std::move(cells));
  }
  out.capacities.push_back(std::move(table));
}

std::string MakePage(const Trace& trace, const std::vector<Section>& sections,
                     const Comparison& comparison, const SchedulingSettings& settings) {
  report::Page page("Schedulers on recorded profiles");
  page.Lead(fmt::format(
      "{} recorded streams, {} retraining windows a run, {} seeds; {} streams on {} "
      "devices where nothing else is said",
      trace.streams.size(), settings.windows, settings.seeds, settings.streams, settings.devices));
  std::vector<report::Page::KeyFigure> keys;
  const auto key = [&](const char* figure, const std::string& name, const std::string& note) {
    const auto found = comparison.figures.find(figure);
    if (found != comparison.figures.end()) keys.push_back({Points(found->second), name, note});
  };
  key("planner_minus_thief_points", "planner over thief", "with estimates");
  key("planner_minus_uniform_points", "planner over the best uniform", comparison.best_uniform);
  key("oracle_planner_minus_thief_points", "planner over thief", "both shown the truth");
  if (const auto found = comparison.figures.find("compute_multiple_of_uniform");
      found != comparison.figures.end()) {
    keys.push_back({fmt::format("{:.1f} x", found->second), "compute that uniform needs",
                    "for the planner's accuracy"});
  }
  page.Add(keys);
  page.Paragraph(
      "Every run is the live decision loop on a virtual clock. Schedulers see estimates that a "
      "micro-profiler made, corrected by what earlier retraining turned out to give; what then "
      "happens "
      "is what was measured. Labelling and profiling are taken off each window. A retrained model "
      "that "
      "is worse than the served one is not swapped in. Windows repeat after the last recorded "
      "one.");
  for (const Section& section : sections) {
    if (section.name == "capacity") {
      page.Heading("Streams a box can carry");
      for (const report::Table& table : comparison.capacities) page.Add(table);
      continue;
    }
    page.Heading(section.title);
    std::vector<SweepRow> shown;
    for (const SweepRow& row : section.rows) {
      if (section.name != "devices" || row.settings.devices <= kDeviceAxis.back()) {
        shown.push_back(row);
      }
    }
    page.Add(AccuracyFigure(shown, section.variable, section.title, section.caption));
    if (section.name == "devices") {
      page.Subheading("Compute for the same accuracy");
      page.Add(comparison.compute);
    }
  }
  return std::move(page).Html();
}

}  // namespace

std::vector<std::string> UniformBaselines(const Trace& trace) {
  // Mean truth per configuration over the hold-out stream's windows.
  struct Sums {
    std::string id;
    double accuracy = 0;
    double seconds = 0;
    int count = 0;
  };
  std::vector<Sums> configurations;
  for (const TracedWindow& window : trace.streams.back().windows) {
    for (const TracedRetraining& retraining : window.retraining) {
      auto found = std::find_if(configurations.begin(), configurations.end(),
                                [&](const Sums& known) { return known.id == retraining.id; });
      if (found == configurations.end()) {
        configurations.push_back({retraining.id, 0, 0, 0});
        found = configurations.end() - 1;
      }
      found->accuracy += retraining.accuracy;
      found->seconds += retraining.device_seconds;
      ++found->count;
    }
  }
  if (configurations.empty()) return {};
  const auto accuracy = [](const Sums& c) { return c.accuracy / c.count; };
  const auto seconds = [](const Sums& c) { return c.seconds / c.count; };
  // The ends of the front: the most accurate, and the cheapest.
  const Sums* costly = &configurations.front();
  const Sums* cheap = &configurations.front();
  for (const Sums& c : configurations) {
    if (accuracy(c) > accuracy(*costly) ||
        (accuracy(c) == accuracy(*costly) && seconds(c) < seconds(*costly))) {
      costly = &c;
    }
    if (seconds(c) < seconds(*cheap)) cheap = &c;
  }
  std::vector<std::string> baselines = {fmt::format("uniform:config={},share=0.5", costly->id)};
  for (const double share : {0.3, 0.5, 0.9}) {
    baselines.push_back(fmt::format("uniform:config={},share={}", cheap->id, share));
  }
  std::vector<std::string> distinct;
  for (const std::string& baseline : baselines) {
    if (std::find(distinct.begin(), distinct.end(), baseline) == distinct.end()) {
      distinct.push_back(baseline);
    }
  }
  return distinct;
}

double DevicesFor(const std::map<double, double>& accuracy, double target) {
  std::optional<std::pair<double, double>> before;
  for (const auto& [devices, value] : accuracy) {
    if (value >= target) {
      if (!before || value == before->second) return devices;
      return before->first +
             (devices - before->first) * (target - before->second) / (value - before->second);
    }
    before = {devices, value};
  }
  return 0;
}

Status RunScheduling(const Trace& trace, const std::filesystem::path& directory,
                     const SchedulingSettings& settings) {
  if (trace.streams.empty()) return Error{ErrorCode::kInvalid, "the trace has no stream"};
  std::vector<Section> sections = MakeSections(trace, settings);
  std::vector<SimulationSettings> runs;
  for (const Section& section : sections) {
    runs.insert(runs.end(), section.runs.begin(), section.runs.end());
  }
  simulator::SweepSettings sweep;
  sweep.threads = settings.threads;
  sweep.journal = directory / "rows.journal";
  sweep.progress = settings.progress;
  EKYA_ASSIGN(const std::vector<SweepRow> rows, simulator::Sweep(trace, runs, sweep));
  std::size_t next = 0;
  for (Section& section : sections) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(next);
    section.rows.assign(begin, begin + static_cast<std::ptrdiff_t>(section.runs.size()));
    next += section.runs.size();
    EKYA_RETURN_IF_ERROR(
        WriteFileAtomically(directory / (section.name + ".csv"), RowsCsv(section.rows)));
  }
  Comparison comparison;
  CompareAtDevices(sections[0].rows, UniformBaselines(trace), settings, comparison);
  for (const double useful : kUsefulAccuracy) {
    CompareCapacity(sections[2].rows, useful, comparison);
  }
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(
      directory / "summary.json", report::WriteSummary(SummaryOf(rows, comparison.figures))));
  return WriteFileAtomically(directory / "report.html",
                             MakePage(trace, sections, comparison, settings));
}

}  // namespace ekya::experiments
