#include "apps/cli/schedule_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace ekya::cli {
namespace {

using Row = std::array<std::string, 8>;

/// Numbers to the right, words to the left.
constexpr std::array<bool, 8> kToTheRight = {true, true, false, false, true, true, false, true};

/// Characters of a UTF-8 text, as fmt counts them when it pads.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](unsigned char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string Lines(const std::vector<Row>& rows) {
  std::array<std::size_t, 8> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += kToTheRight[i] ? fmt::format("  {:>{}}", row[i], widths[i])
                             : fmt::format("  {:<{}}", row[i], widths[i]);
    }
    text += line.erase(line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string Headline(const Schedule& schedule) {
  std::string text =
      fmt::format("{}: mean accuracy {:.4f}", schedule.scheduler, schedule.mean_accuracy);
  if (schedule.upper_bound) {
    text += fmt::format(", no schedule can exceed {:.4f}", *schedule.upper_bound);
  }
  if (schedule.static_optimum) {
    text += fmt::format(", best of one decision {:.4f}", *schedule.static_optimum);
  }
  text += fmt::format("; solved in {:.0f} microseconds\n", schedule.solve_microseconds);
  if (!schedule.floor_feasible) text += "The accuracy floor does not hold at every instant.\n";
  return text;
}

}  // namespace

std::string ScheduleTable(const Schedule& schedule) {
  std::vector<Row> rows = {
      {"from s", "to s", "stream", "inference", "quanta", "device", "retraining", "quanta@device"}};
  for (const Segment& segment : schedule.timeline) {
    bool first = true;
    for (const Allocation& job : segment.jobs) {
      const bool serves = job.inference_quanta > 0;
      rows.push_back({first ? fmt::format("{:.1f}", segment.from_seconds) : "",
                      first ? fmt::format("{:.1f}", segment.to_seconds) : "", job.stream,
                      job.inference.empty() ? "not served" : job.inference,
                      fmt::format("{}", job.inference_quanta),
                      serves ? fmt::format("{}", job.inference_device) : "", job.retraining,
                      job.retraining_quanta > 0
                          ? fmt::format("{}@{}", job.retraining_quanta, job.retraining_device)
                          : ""});
      first = false;
    }
  }
  std::string text = Headline(schedule) + "\n" + Lines(rows);
  if (!schedule.explanations.empty()) text += "\n";
  for (const Explanation& explanation : schedule.explanations) {
    text += fmt::format("{}: {}\n", explanation.stream, explanation.text);
  }
  return text;
}

}  // namespace ekya::cli
