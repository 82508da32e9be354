#include "apps/report/csv.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "apps/report/shares.h"
#include "apps/report/summary.h"
#include "apps/report/text.h"

namespace ekya::report {
namespace {

using window::RunRecord;
using window::StreamInterval;
using window::StreamRecord;
using window::WindowRecord;

/// A cell as text: quoted where it has to be.
class Cell {
 public:
  Cell(std::string_view text) {  // NOLINT(google-explicit-constructor)
    text_ = ValidUtf8(text);
    if (text_.find_first_of(",\"\r\n") == std::string::npos) return;
    std::string quoted = "\"";
    for (const char c : text_) {
      if (c == '"') quoted += '"';
      quoted += c;
    }
    text_ = quoted + '"';
  }
  Cell(const std::string& text) : Cell(std::string_view(text)) {}  // NOLINT
  Cell(const char* text) : Cell(std::string_view(text)) {}         // NOLINT
  Cell(double number)                                              // NOLINT
      : text_(std::isfinite(number) ? fmt::format("{}", number) : std::string()) {}
  Cell(int number) : text_(std::to_string(number)) {}            // NOLINT
  Cell(std::int64_t number) : text_(std::to_string(number)) {}   // NOLINT
  Cell(std::uint64_t number) : text_(std::to_string(number)) {}  // NOLINT
  Cell(bool boolean) : text_(boolean ? "true" : "false") {}      // NOLINT
  Cell(const std::optional<double>& number)                      // NOLINT
      : text_(number ? Cell(*number).text() : std::string()) {}

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Sheet {
 public:
  Sheet(std::string name, std::string_view columns) : name_(std::move(name)) {
    text_ += "scheduler,seed,";
    text_ += columns;
    text_ += '\n';
  }

  void Add(const RunRecord& run, std::initializer_list<Cell> cells) {
    text_ += Cell(run.scheduler).text() + ',' + std::to_string(run.seed);
    for (const Cell& cell : cells) text_ += ',' + cell.text();
    text_ += '\n';
  }

  CsvFile Take() { return {std::move(name_), std::move(text_)}; }

 private:
  std::string name_;
  std::string text_;
};

double Known(double accuracy) { return accuracy >= 0 ? accuracy : std::nan(""); }

CsvFile SummarySheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("summary.csv",
              "devices,streams,window_seconds,mean_accuracy,source,worst_stream_accuracy,frames,"
              "frames_skipped,retrainings,swaps,inference_device_seconds,"
              "retraining_device_seconds,profiling_device_seconds,labelling_device_seconds");
  for (const RunRecord& run : runs) {
    const SummaryRow row = SummaryRowOf(run);
    sheet.Add(run, {row.devices, row.streams, row.window_seconds, row.mean_accuracy, row.source,
                    row.worst_stream_accuracy, row.frames, row.frames_skipped, row.retrainings,
                    row.swaps, row.device_seconds.inference, row.device_seconds.retraining,
                    row.device_seconds.profiling, row.device_seconds.labelling});
  }
  return sheet.Take();
}

CsvFile StreamSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("streams.csv",
              "stream,mean_accuracy,accuracy_low,accuracy_high,source,frames,frames_skipped,"
              "analyses_missed");
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      sheet.Add(run, {stream.id, JudgedAccuracy(stream), stream.accuracy_low, stream.accuracy_high,
                      stream.accuracy_source, stream.frames, stream.frames_skipped,
                      stream.analyses_missed});
    }
  }
  return sheet.Take();
}

CsvFile AccuracySheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("accuracy.csv",
              "stream,from_seconds,to_seconds,accuracy,source,frames,frames_skipped");
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      for (const StreamInterval& interval : stream.intervals) {
        sheet.Add(run,
                  {stream.id, interval.from_seconds, interval.to_seconds, Known(interval.accuracy),
                   stream.accuracy_source, interval.frames, interval.frames_skipped});
      }
    }
  }
  return sheet.Take();
}

CsvFile ShareSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("shares.csv", "kind,stream,from_seconds,to_seconds,inference,retraining");
  for (const RunRecord& run : runs) {
    for (const DecidedShare& share : DecidedShares(run)) {
      sheet.Add(run, {"decided", share.stream, share.from_seconds, share.to_seconds,
                      share.inference, share.retraining});
    }
    for (const StreamRecord& stream : run.streams) {
      for (const StreamInterval& interval : stream.intervals) {
        sheet.Add(run, {"measured", stream.id, interval.from_seconds, interval.to_seconds,
                        interval.inference_cores / run.device_cores,
                        interval.retraining_cores / run.device_cores});
      }
    }
  }
  return sheet.Take();
}

CsvFile ClassMixSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("class_mix.csv", "stream,from_seconds,to_seconds,class,count");
  for (const RunRecord& run : runs) {
    for (const StreamRecord& stream : run.streams) {
      for (const StreamInterval& interval : stream.intervals) {
        for (std::size_t i = 0; i < interval.class_counts.size(); ++i) {
          const std::string name =
              i < stream.classes.size() ? stream.classes[i] : fmt::format("class {}", i);
          sheet.Add(run, {stream.id, interval.from_seconds, interval.to_seconds, name,
                          interval.class_counts[i]});
        }
      }
    }
  }
  return sheet.Take();
}

CsvFile RetrainingSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("retrainings.csv",
              "window,stream,configuration,start_seconds,end_seconds,predicted_accuracy,"
              "achieved_accuracy,predicted_device_seconds,device_seconds,outcome");
  for (const RunRecord& run : runs) {
    for (const WindowRecord& window : run.windows) {
      for (const window::RetrainingRecord& retraining : window.retrainings) {
        sheet.Add(
            run,
            {window.window, retraining.stream, retraining.configuration, retraining.start_seconds,
             retraining.end_seconds, retraining.predicted_accuracy, retraining.achieved_accuracy,
             retraining.predicted_device_seconds, retraining.device_seconds, retraining.outcome});
      }
    }
  }
  return sheet.Take();
}

CsvFile SwapSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("swaps.csv", "time_seconds,stream,version");
  for (const RunRecord& run : runs) {
    for (const window::SwapRecord& swap : run.swaps) {
      sheet.Add(run, {swap.time_seconds, swap.stream, swap.version});
    }
  }
  return sheet.Take();
}

CsvFile DecisionSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("decisions.csv",
              "window,time_seconds,reason,policy,mean_accuracy,upper_bound,floor_feasible,"
              "solve_microseconds,stream,stream_accuracy,inference,inference_quanta,"
              "inference_device,retraining,retraining_quanta,retraining_device,explanation");
  for (const RunRecord& run : runs) {
    for (const WindowRecord& window : run.windows) {
      for (const window::Decision& decision : window.decisions) {
        const Schedule& schedule = decision.schedule;
        if (schedule.timeline.empty()) continue;
        for (const Allocation& job : schedule.timeline.front().jobs) {
          sheet.Add(run, {window.window, decision.time_seconds, decision.reason, schedule.scheduler,
                          schedule.mean_accuracy, schedule.upper_bound, schedule.floor_feasible,
                          schedule.solve_microseconds, job.stream,
                          SituationAccuracy(decision.situation, job.stream), job.inference,
                          job.inference_quanta, job.inference_device, job.retraining,
                          job.retraining_quanta, job.retraining_device,
                          ExplanationOf(schedule, job.stream)});
        }
      }
    }
  }
  return sheet.Take();
}

CsvFile WindowSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("windows.csv",
              "window,start_seconds,end_seconds,labelling_seconds,profiling_seconds,"
              "profiling_device_seconds,stopped");
  for (const RunRecord& run : runs) {
    for (const WindowRecord& window : run.windows) {
      sheet.Add(run,
                {window.window, window.start_seconds, window.end_seconds, window.labelling_seconds,
                 window.profiling_seconds, window.profiling_device_seconds, window.stopped});
    }
  }
  return sheet.Take();
}

CsvFile ProfileSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("profiles.csv", "window,stream,configuration,accuracy,spread,device_seconds");
  for (const RunRecord& run : runs) {
    for (const WindowRecord& window : run.windows) {
      for (const auto& [stream, profiles] : window.profiles) {
        for (const RetrainingProfile& profile : profiles) {
          sheet.Add(run, {window.window, stream, profile.id, profile.accuracy, profile.spread,
                          profile.device_seconds});
        }
      }
    }
  }
  return sheet.Take();
}

CsvFile WarningSheet(const std::vector<RunRecord>& runs) {
  Sheet sheet("warnings.csv", "window,warning");
  for (const RunRecord& run : runs) {
    for (const std::string& warning : run.warnings) sheet.Add(run, {"", warning});
    for (const WindowRecord& window : run.windows) {
      for (const std::string& warning : window.warnings) sheet.Add(run, {window.window, warning});
    }
  }
  return sheet.Take();
}

}  // namespace

std::vector<CsvFile> MakeCsvFiles(const std::vector<RunRecord>& runs) {
  return {SummarySheet(runs),  StreamSheet(runs),     AccuracySheet(runs), ShareSheet(runs),
          ClassMixSheet(runs), RetrainingSheet(runs), SwapSheet(runs),     DecisionSheet(runs),
          WindowSheet(runs),   ProfileSheet(runs),    WarningSheet(runs)};
}

}  // namespace ekya::report
