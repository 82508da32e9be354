#include "decide/window/conductor.h"

#include <utility>

#include "decide/window/internal/memory.h"
#include "decide/window/internal/window_run.h"

namespace ekya::window {

Conductor::Conductor(ConductorSettings settings, schedule::Policy& policy, Ports ports)
    : settings_(std::move(settings)),
      policy_(policy),
      ports_(ports),
      memory_(std::make_unique<Memory>(
          Memory{profile::MicroProfiler(settings_.profiling, settings_.retraining), {}, {}})) {}

Conductor::~Conductor() = default;

Result<WindowRecord> Conductor::Run(int window) {
  return WindowRun(settings_, policy_, ports_, *memory_, window).Run();
}

}  // namespace ekya::window
