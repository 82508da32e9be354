#include <algorithm>
#include <string>

#include "decide/window/internal/window_run.h"

namespace ekya::window {
namespace {

// So often a window is looked at for drift while it lasts.
constexpr int kLooks = 4;

}  // namespace

bool WindowRun::WatchesDrift() const {
  return settings_.drift != DriftUse::kOff && ports_.drift != nullptr;
}

DriftFinding WindowRun::LookAt(const StreamWindow& stream, double from_seconds) {
  auto served = ports_.drift->Served(stream.id, from_seconds, ports_.timeline.Now());
  if (!served.ok()) {
    Warn(stream.id, "not watched for drift: " + served.error().message);
    return {};
  }
  return memory_.drift.Look(stream.id, *served);
}

void WindowRun::LookForDrift() {
  if (!WatchesDrift()) return;
  for (StreamWindow& stream : streams_) {
    if (stream.state.gone) continue;
    // What came before the last looks of the window before has been looked at.
    DriftFinding finding =
        LookAt(stream, record_.start_seconds - settings_.window_seconds / kLooks);
    if (const auto seen = memory_.drifting.find(stream.id);
        !finding.drifted && seen != memory_.drifting.end()) {
      finding.drifted = true;
      finding.reason = seen->second.reason;
    }
    if (const auto labels = record_.labels.find(stream.id); labels != record_.labels.end()) {
      const DriftFinding judged =
          memory_.drift.Judge(stream.id, labels->second.judged_accuracy, labels->second.judged);
      finding.p_golden = judged.p_golden;
      finding.drifted = finding.drifted || judged.drifted;
      if (!judged.reason.empty()) {
        finding.reason += (finding.reason.empty() ? "" : "; ") + judged.reason;
      }
    }
    const bool compared = finding.p_served >= 0 || finding.p_golden >= 0;
    if (settings_.drift == DriftUse::kAct && compared && !finding.drifted && stream.may_retrain &&
        memory_.looked_after.contains(stream.id)) {
      stream.may_retrain = false;
      finding.skipped = true;
      finding.reason = "no drift since its model was last looked after: it serves on";
    }
    record_.drift[stream.id] = std::move(finding);
  }
  next_look_ = record_.start_seconds + settings_.window_seconds / kLooks;
}

void WindowRun::LookWhileServing() {
  const double between = settings_.window_seconds / kLooks;
  next_look_ += between;
  const bool retraining = std::any_of(streams_.begin(), streams_.end(),
                                      [](const auto& stream) { return stream.running; });
  for (StreamWindow& stream : streams_) {
    if (stream.state.gone) continue;
    const DriftFinding finding = LookAt(stream, next_look_ - 2 * between);
    if (finding.drifted) {
      memory_.drifting.try_emplace(stream.id,
                                   Memory::Drifting{ports_.timeline.Now(), finding.reason});
    }
    if (settings_.drift != DriftUse::kAct || !finding.drifted || retraining ||
        !stream.state.learns || !record_.ended_early.empty()) {
      continue;
    }
    record_.ended_early = stream.id + ": " + finding.reason;
  }
}

void WindowRun::SettleDrift() {
  for (const RetrainingRecord& retraining : record_.retrainings) {
    // A model that replaced the one before, or that was no better: the served one is what this
    // world allows.
    if (retraining.outcome != "swapped" && !retraining.outcome.starts_with("kept old")) continue;
    const auto seen = memory_.drifting.find(retraining.stream);
    if (seen != memory_.drifting.end()) {
      // What turned while it trained is not in what it learned from.
      if (seen->second.since_seconds > retraining.start_seconds) continue;
      memory_.drifting.erase(seen);
    }
    memory_.drift.Settle(retraining.stream);
    memory_.looked_after.insert(retraining.stream);
  }
}

}  // namespace ekya::window
