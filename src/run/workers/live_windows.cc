#include "run/workers/live_windows.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/log.h"

namespace ekya::workers {
namespace {

// No stream's judging is begun after this part of a window, nor so late that a run that is asked
// to end takes long.
constexpr double kLongestJudging = 0.5;
constexpr double kLongestJudgingSeconds = 10;

}  // namespace

Status LiveWindows::Run(int window, WindowGrid grid, std::atomic<int>* live_window,
                        window::RunRecord* record) {
  const int before_the_first = window - *live_window;
  while (true) {
    // Frames belong to windows by their time: what overran into the next has it shortened.
    auto conducted = conductor_.Run(window, grid.StartOf(window + 1));
    if (!conducted.ok()) return conducted.error();
    const bool stopped = conducted->stopped;
    const bool ended_early = !conducted->ended_early.empty();
    Keep(std::move(*conducted), record);
    // A policy that never retrains has asked for no labels.
    JudgeByGolden(window - 1, record);
    if (stopped) break;
    const double now = timeline_.Now();
    if (ended_early) {
      grid.Begin(window + 1, now);
      BeginEarly(window + 1, now);
    }
    window = std::max(window + 1, grid.WindowAt(now));
    *live_window = window - before_the_first;
  }
  last_ = window;
  return {};
}

void LiveWindows::JudgeByGolden(int window, window::RunRecord* record) {
  const double latest =
      timeline_.Now() + std::min(kLongestJudging * window_seconds_, kLongestJudgingSeconds);
  std::unique_ptr<LearningService> learning;
  const std::size_t begin = first_judged_;
  for (std::size_t i = 0; i < streams_.ids().size(); ++i) {
    const std::size_t place = (begin + i) % streams_.ids().size();
    const std::string& id = streams_.ids()[place];
    if (!streams_.Get(id).judged_by_golden()) continue;
    if (timeline_.Now() >= latest) {
      first_judged_ = place;
      break;
    }
    if (!learning) {
      learning = world_.pool().Take();
      if (const Status set = learning->SetShare(1, -1); !set.ok()) {
        window::Warn(set.error().message, record);
      }
    }
    auto labelled = streams_.Get(id).Label(window, *learning);
    if (!labelled.ok()) window::Warn(id + ": " + labelled.error().message, record);
  }
  if (learning) world_.pool().Give(std::move(learning));
}

void LiveWindows::Keep(window::WindowRecord conducted, window::RunRecord* record) {
  recorder_.Window(conducted);
  // Of this window and the one before it, whose labels may have come only now.
  const double from = conducted.start_seconds - window_seconds_;
  for (const std::string& id : streams_.ids()) {
    recorder_.Accuracies(streams_.Get(id).Record(from), from, streams_.Get(id).versions());
  }
  window::Keep(std::move(conducted), world_.TakeSwaps(), record);
}

void LiveWindows::BeginEarly(int window, double from) {
  for (const std::string& id : streams_.ids()) {
    if (const Status told = streams_.Get(id).BeginWindow(window, from); !told.ok()) {
      Log(LogLevel::kWarning, id, "{}", told.error().message);
    }
  }
}

}  // namespace ekya::workers
