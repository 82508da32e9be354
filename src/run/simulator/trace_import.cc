#include "run/simulator/trace_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "run/simulator/csv_table.h"

namespace ekya::simulator {
namespace {

constexpr double kMostSeconds = 366 * 86400.0;

Result<TracedRetraining> ReadRetraining(const CsvTable& table, std::size_t row) {
  TracedRetraining retraining;
  EKYA_ASSIGN(const std::string configuration, table.Text(row, "configuration"));
  EKYA_ASSIGN(const std::string epochs, table.Text(row, "epochs"));
  retraining.id = configuration + "/" + epochs;
  EKYA_ASSIGN(retraining.accuracy, table.Number(row, "accuracy_after", 0, 1));
  EKYA_ASSIGN(retraining.device_seconds, table.Number(row, "gpu_seconds", 0, kMostSeconds));
  EKYA_ASSIGN(retraining.estimated_accuracy, table.Number(row, "estimated_accuracy_after", 0, 1));
  EKYA_ASSIGN(retraining.estimated_device_seconds,
              table.Number(row, "estimated_gpu_seconds", 0, kMostSeconds));
  return retraining;
}

Status AddRow(const CsvTable& table, std::size_t row, TracedStream& stream) {
  EKYA_ASSIGN(const double number, table.Number(row, "window", 1, 100'000));
  const auto next = static_cast<double>(stream.windows.size() + 1);
  if (number != next && !(number == next - 1 && !stream.windows.empty())) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("{}: window: found {} of stream {}, expected {}{}", table.Place(row), number,
                    stream.id, next, next > 1 ? fmt::format(" or {}", next - 1) : "")};
  }
  if (number == next) {
    TracedWindow& window = stream.windows.emplace_back();
    EKYA_ASSIGN(window.accuracy, table.Number(row, "accuracy_before", 0, 1));
    EKYA_ASSIGN(window.profiling_seconds, table.Number(row, "profiling_seconds", 0, kMostSeconds));
  }
  TracedWindow& window = stream.windows.back();
  EKYA_ASSIGN(TracedRetraining retraining, ReadRetraining(table, row));
  for (const TracedRetraining& known : window.retraining) {
    if (known.id == retraining.id) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}: stream {} has configuration {} twice in window {}",
                               table.Place(row), stream.id, known.id, number)};
    }
  }
  window.retraining.push_back(std::move(retraining));
  return {};
}

Result<std::vector<std::vector<InferenceProfile>>> ReadInference(const CsvTable& table,
                                                                 double full_share) {
  std::vector<std::vector<InferenceProfile>> cameras;
  for (const std::string& column : table.columns()) {
    if (column == "subsampling") continue;
    std::vector<InferenceProfile>& camera = cameras.emplace_back();
    for (std::size_t row = 0; row < table.rows(); ++row) {
      EKYA_ASSIGN(const double interval, table.Number(row, "subsampling", 1, 1e6));
      EKYA_ASSIGN(const double factor, table.Number(row, column, 0, 1));
      camera.push_back({fmt::format("every-{}", interval), full_share / interval, factor});
    }
  }
  if (cameras.empty() || cameras[0].empty()) {
    return Error{ErrorCode::kInvalid, "expected a column of factors and a row at least"};
  }
  return cameras;
}

// What is left of each retraining's gain in the windows after its own.
void CarryOver(TracedStream& stream, double carry) {
  for (std::size_t w = 0; w < stream.windows.size(); ++w) {
    for (TracedRetraining& retraining : stream.windows[w].retraining) {
      double gain = retraining.accuracy - stream.windows[w].accuracy;
      for (std::size_t next = w + 1; next < stream.windows.size(); ++next) {
        gain *= carry;
        retraining.later.push_back(std::clamp(stream.windows[next].accuracy + gain, 0.0, 1.0));
      }
    }
  }
}

}  // namespace

Result<Trace> ImportTrace(std::string_view retraining, const std::string& retraining_file,
                          std::string_view inference, const std::string& inference_file,
                          const ImportSettings& settings) {
  if (!(settings.window_seconds > 0 && settings.window_seconds <= kMostSeconds)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("window: found {} s, expected more than 0", settings.window_seconds)};
  }
  if (!(settings.full_share > 0 && settings.full_share <= 1)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("share of full-rate inference: found {}, expected a number above 0 up "
                             "to 1",
                             settings.full_share)};
  }
  if (!(settings.carry >= 0 && settings.carry <= 1)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("carry: found {}, expected a number from 0 to 1", settings.carry)};
  }
  EKYA_ASSIGN(const CsvTable profiles, CsvTable::Parse(retraining, retraining_file));
  EKYA_ASSIGN(const CsvTable factors, CsvTable::Parse(inference, inference_file));
  auto cameras = ReadInference(factors, settings.full_share);
  if (!cameras.ok()) {
    return cameras.error().message.starts_with(inference_file)
               ? cameras.error()
               : cameras.error().Within(inference_file);
  }

  Trace trace;
  trace.window_seconds = settings.window_seconds;
  std::map<std::string, std::size_t> index;
  for (std::size_t row = 0; row < profiles.rows(); ++row) {
    EKYA_ASSIGN(const std::string id, profiles.Text(row, "stream"));
    const auto [found, fresh] = index.emplace(id, trace.streams.size());
    if (fresh) {
      TracedStream& stream = trace.streams.emplace_back();
      stream.id = id;
      stream.inference = (*cameras)[found->second % cameras->size()];
    }
    EKYA_RETURN_IF_ERROR(AddRow(profiles, row, trace.streams[found->second]));
  }
  if (trace.streams.empty()) {
    return Error{ErrorCode::kInvalid, retraining_file + ": no row, expected one at least"};
  }
  if (settings.carry > 0) {
    for (TracedStream& stream : trace.streams) CarryOver(stream, settings.carry);
  }
  return trace;
}

Result<std::vector<ThroughputPoint>> ImportThroughput(std::string_view text,
                                                      const std::string& file) {
  EKYA_ASSIGN(const CsvTable table, CsvTable::Parse(text, file));
  const std::string& share = table.columns().front();
  std::vector<std::pair<double, double>> times;  // Percent, seconds.
  for (std::size_t row = 0; row < table.rows(); ++row) {
    EKYA_ASSIGN(const std::string seconds, table.Text(row, "time"));
    if (seconds.empty()) continue;
    const double above = times.empty() ? 0 : times.back().first;
    EKYA_ASSIGN(const double percent, table.Number(row, share, 0, 100));
    if (percent <= above) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: found a share of {} %, expected more than "
                                                    "{} %",
                                                    table.Place(row), percent, above)};
    }
    EKYA_ASSIGN(const double time, table.Number(row, "time", 1e-6, kMostSeconds));
    times.emplace_back(percent, time);
  }
  if (times.empty() || times.back().first != 100) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: found shares up to {} %, expected 100 % last", file,
                             times.empty() ? 0 : times.back().first)};
  }
  std::vector<ThroughputPoint> curve;
  double speed = 0;
  for (const auto& [percent, time] : times) {
    speed = std::clamp(times.back().second / time, speed, 1.0);
    curve.push_back({percent / 100, speed});
  }
  return curve;
}

}  // namespace ekya::simulator
