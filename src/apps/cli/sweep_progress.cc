#include "apps/cli/sweep_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "apps/report/progress_line.h"

namespace ekya::cli {
namespace {

constexpr double kBetweenLines = 0.1;  // Seconds; a terminal need not see every run.
constexpr int kWidth = 79;

}  // namespace

SweepProgress::SweepProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void SweepProgress::Show(std::size_t done, std::size_t total) {
  const double now = MonotonicClock().Now();
  if (!terminal_ || total == 0 || (now - shown_ < kBetweenLines && done < total)) return;
  shown_ = now;
  report::Progress progress;
  progress.what = fmt::format("{} of {} runs", done, total);
  progress.done = static_cast<double>(done) / static_cast<double>(total);
  progress.elapsed_seconds = now - start_;
  if (done > 0)
    progress.left_seconds = progress.elapsed_seconds / progress.done * (1 - progress.done);
  fmt::print(stderr, "\r{}", report::ProgressLine(progress, kWidth));
  std::fflush(stderr);
}

void SweepProgress::Clear() {
  if (!terminal_) return;
  fmt::print(stderr, "\r{:{}}\r", "", kWidth);
  std::fflush(stderr);
}

}  // namespace ekya::cli
