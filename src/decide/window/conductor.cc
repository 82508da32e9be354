#include "decide/window/conductor.h"

#include <utility>

#include "base/check.h"
#include "decide/window/internal/memory.h"
#include "decide/window/internal/window_run.h"

namespace ekya::window {

ProfilerUse ProfilerUseOf(const std::string& word) {
  EKYA_CHECK(word == "trials" || word == "shared", word);
  return word == "trials" ? ProfilerUse::kTrials : ProfilerUse::kShared;
}

DriftUse DriftUseOf(const std::string& word) {
  EKYA_CHECK(word == "off" || word == "watch" || word == "act", word);
  return word == "off" ? DriftUse::kOff : word == "watch" ? DriftUse::kWatch : DriftUse::kAct;
}

Conductor::Conductor(ConductorSettings settings, schedule::Policy& policy, Ports ports)
    : settings_(std::move(settings)),
      policy_(policy),
      ports_(ports),
      memory_(std::make_unique<Memory>(settings_)) {}

Conductor::~Conductor() = default;

Result<WindowRecord> Conductor::Run(int window, std::optional<double> end) {
  return WindowRun(settings_, policy_, ports_, *memory_, window, end).Run();
}

}  // namespace ekya::window
