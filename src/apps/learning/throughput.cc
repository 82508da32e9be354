#include "apps/learning/throughput.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apps/learning/throughput_measures.h"
#include "apps/report/html_page.h"
#include "apps/report/summary.h"
#include "base/file.h"
#include "platform/models/precision.h"

namespace ekya::learning {
namespace {

constexpr int kLargeSide = 224;
constexpr const char* kArchitectures[] = {"resnet18", "mobilenetv2", "shufflenetv2"};

/// Both sides on one core: the first one that this process may use.
void StayOnOneCore() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    ::sched_setaffinity(0, sizeof(one), &one);
    return;
  }
}

/// One row per party: its median, and how many times its pictures a second ours are.
report::Table TimesTable(const PairedTimes& times, const std::vector<const char*>& parties,
                         const char* ours, const std::string& caption) {
  report::Table table;
  table.caption = caption;
  table.columns = {{"by"},
                   {"ms a picture", true},
                   {"pictures/s", true},
                   {std::string(ours) + " is faster by", true}};
  for (const char* party : parties) {
    const double seconds = times.Median(party);
    if (seconds == 0) continue;
    table.rows.push_back({party, fmt::format("{:.2f}", 1e3 * seconds),
                          fmt::format("{:.1f}", 1 / seconds),
                          fmt::format("{:.2f}", times.Ratio(party, ours))});
  }
  return table;
}

struct ServingResult {
  std::string architecture;
  int side = 0;
  PairedTimes times;
  std::string engine;  // that serves

  /// Against the faster one of both that run layer by layer.
  double Ratio() const {
    return std::min(times.Ratio(kEager, kServed), times.Ratio(kPython, kServed));
  }
  double StageRatio() const { return times.Ratio(kForward, kStage); }
};

/// How many times the least the most is.
double SpanOf(const std::vector<double>& seconds) {
  const auto [least, most] = std::minmax_element(seconds.begin(), seconds.end());
  return *most / *least;
}

/// Mean of bfloat16's accuracy less float32's, in points.
double DifferenceOf(const std::vector<AccuracyRun>& runs) {
  double sum = 0;
  for (const AccuracyRun& run : runs) sum += 100 * (run.bfloat16 - run.float32);
  return sum / static_cast<double>(runs.size());
}

std::string CsvOf(const PairedTimes& training, const std::vector<ServingResult>& serving) {
  std::string text = "network,side,work,by,turn,milliseconds\n";
  const auto add = [&](const std::string& what, const PairedTimes& times) {
    for (const auto& [party, seconds] : times.parties()) {
      for (std::size_t turn = 0; turn < seconds.size(); ++turn) {
        text += fmt::format("{},\"{}\",{},{:.4f}\n", what, party, turn + 1, 1e3 * seconds[turn]);
      }
    }
  };
  add(fmt::format("resnet18,{},training", kTrainingSide), training);
  for (const ServingResult& each : serving) {
    add(fmt::format("{},{},serving", each.architecture, each.side), each.times);
  }
  return text;
}

report::Summary SummaryOf(const PairedTimes& training, const std::vector<ServingResult>& serving,
                          const std::vector<double>& configurations,
                          const std::vector<AccuracyRun>& accuracies) {
  report::Summary summary;
  auto& figures = summary.figures;
  figures["training_ratio_float32"] = training.Ratio(kPython32, kOurs32);
  figures["training_ratio_float32_channels_last"] = training.Ratio(kPython32Last, kOurs32);
  if (training.Median(kOurs16) > 0) {
    figures["training_ratio_bfloat16"] = training.Ratio(kPython32, kOurs16);
    figures["training_ratio_bfloat16_channels_last"] = training.Ratio(kPython32Last, kOurs16);
    figures["training_ratio_bfloat16_autocast"] = training.Ratio(kPython16Last, kOurs16);
    figures["bfloat16_accuracy_points"] = DifferenceOf(accuracies);
  }
  for (const ServingResult& each : serving) {
    const std::string name = each.architecture == "shufflenetv2" ? "shufflenet" : each.architecture;
    const bool usual = each.side == kTrainingSide;
    figures["serving_ratio_" + name + (usual ? "" : fmt::format("_{}", each.side))] = each.Ratio();
    figures[fmt::format("stage_ratio_{}_{}", name, each.side)] = each.StageRatio();
  }
  // Of the network that training is timed on.
  figures["stage_ratio"] = serving.front().StageRatio();
  figures["configurations_span_ratio"] = SpanOf(configurations);
  return summary;
}

std::string PageOf(const PairedTimes& training, const std::vector<ServingResult>& serving,
                   const std::vector<double>& configurations,
                   const std::vector<AccuracyRun>& accuracies) {
  report::Page page("Throughput");
  page.Lead(
      "Against Debian's PyTorch for Python: same networks, weights, batch and core, in turns");
  page.Heading("Training");
  page.Add(TimesTable(training, {kOurs32, kOurs16, kPython32, kPython32Last, kPython16Last},
                      kOurs32,
                      fmt::format("ResNet18 at {}x{}, minibatches of 32, medians of the turns.",
                                  kTrainingSide, kTrainingSide)));
  if (!accuracies.empty()) {
    report::Table table;
    table.caption = fmt::format(
        "Accuracy on the parking lot's later windows, ResNet18 at {}x{}: mean difference {:+.2f} "
        "points.",
        kTrainingSide, kTrainingSide, DifferenceOf(accuracies));
    table.columns = {{"seed", true}, {"float32", true}, {"bfloat16", true}};
    for (const AccuracyRun& run : accuracies) {
      table.rows.push_back({std::to_string(run.seed), report::PercentText(run.float32),
                            report::PercentText(run.bfloat16)});
    }
    page.Add(table);
  } else {
    page.Notice("This processor does not multiply bfloat16 numbers: nothing is said of them.");
  }
  page.Paragraph(fmt::format(
      "The default configurations' device seconds lie up to {:.0f} times apart: from "
      "{:.2f} to {:.2f} s on a window of 200 pictures of 32x32.",
      SpanOf(configurations), *std::min_element(configurations.begin(), configurations.end()),
      *std::max_element(configurations.begin(), configurations.end())));
  page.Heading("Serving");
  for (const ServingResult& each : serving) {
    page.Add(TimesTable(
        each.times, {kServed, kServed16, kEager, kPython, kForward, kStage}, kServed,
        fmt::format(
            "{} at {}x{}, one picture at a time, {}. The stage keeps {:.3f} of its engine's "
            "bare forward pass.",
            each.architecture, each.side, each.side, each.engine, each.StageRatio())));
  }
  return std::move(page).Html();
}

}  // namespace

Status RunThroughput(const ExperimentRequest& request) {
  StayOnOneCore();
  EKYA_ASSIGN(const auto peer, PythonPeer::Start());
  PairedTimes training;
  EKYA_RETURN_IF_ERROR(MeasureTraining(*peer, request.out, &training));
  std::vector<ServingResult> serving;
  for (const int side : {kTrainingSide, kLargeSide}) {
    for (const char* architecture : kArchitectures) {
      ServingResult result{architecture, side, {}, {}};
      EKYA_RETURN_IF_ERROR(
          MeasureServing(*peer, architecture, side, request.out, &result.times, &result.engine));
      serving.push_back(std::move(result));
    }
  }
  EKYA_ASSIGN(const auto configurations, MeasureConfigurations());
  std::vector<AccuracyRun> accuracies;
  if (models::HasFastBfloat16()) {
    EKYA_ASSIGN(accuracies, MeasureAccuracies(request));
  }
  EKYA_RETURN_IF_ERROR(
      WriteFileAtomically(request.out / "throughput.csv", CsvOf(training, serving)));
  EKYA_RETURN_IF_ERROR(WriteFileAtomically(
      request.out / "summary.json",
      report::WriteSummary(SummaryOf(training, serving, configurations, accuracies))));
  return WriteFileAtomically(request.out / "report.html",
                             PageOf(training, serving, configurations, accuracies));
}

}  // namespace ekya::learning
