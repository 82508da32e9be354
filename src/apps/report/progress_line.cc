#include "apps/report/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "apps/report/html_page.h"
#include "apps/report/text.h"

namespace ekya::report {
namespace {

constexpr int kGap = 2;
constexpr int kLongestBar = 28;
constexpr int kShortestBar = 8;

std::string Bar(double done, int width) {
  const int full = static_cast<int>(std::floor(done * width + 1e-9));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "━" : "─";
  return bar;
}

double Fraction(double value) { return std::isfinite(value) ? std::clamp(value, 0.0, 1.0) : 0; }

}  // namespace

std::string ProgressLine(const Progress& progress, int width) {
  const double done = Fraction(progress.done);
  // In the order of the line; the larger the rank, the earlier it goes.
  struct Part {
    std::string text;
    int rank;
  };
  std::vector<Part> parts;
  if (!progress.what.empty()) parts.push_back({PrintableText(progress.what), 3});
  parts.push_back({fmt::format("{:3.0f} %", std::floor(100 * done)), 0});
  if (progress.window > 0) {
    parts.push_back({progress.windows > 0
                         ? fmt::format("window {} of {}", progress.window, progress.windows)
                         : fmt::format("window {}", progress.window),
                     4});
  }
  if (!progress.phase.empty()) parts.push_back({PrintableText(progress.phase), 5});
  if (progress.accuracy && std::isfinite(*progress.accuracy)) {
    parts.push_back({"accuracy " + PercentText(*progress.accuracy), 1});
  }
  if (progress.skipped > 0) {
    parts.push_back({PercentText(Fraction(progress.skipped)) + " skipped", 6});
  }
  parts.push_back({progress.left_seconds ? SecondsText(*progress.left_seconds) + " left"
                                         : SecondsText(progress.elapsed_seconds),
                   2});
  const auto total = [&] {
    int sum = 0;
    for (const Part& part : parts) sum += DisplayWidth(part.text) + kGap;
    return sum - kGap;
  };
  while (parts.size() > 1 && total() > width) {
    parts.erase(std::max_element(parts.begin(), parts.end(),
                                 [](const Part& a, const Part& b) { return a.rank < b.rank; }));
  }
  const int room = std::min(kLongestBar, width - total() - kGap);
  std::string line;
  for (const Part& part : parts) {
    // The bar stands before the percentage.
    if (part.rank == 0 && room >= kShortestBar) line += Bar(done, room) + std::string(kGap, ' ');
    line += part.text + std::string(kGap, ' ');
  }
  line.resize(line.size() - kGap);
  return CutToWidth(line, width);
}

}  // namespace ekya::report
