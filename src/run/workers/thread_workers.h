#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "platform/resources/share.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// Workers in this process: for tests, which then see every thread, and where one wants to look
/// into a run with a debugger. A job that crashes takes the run with it. All outlive it.
std::unique_ptr<Workers> MakeThreadWorkers(const Site& site, std::uint64_t seed,
                                           const std::filesystem::path& out, Clock& clock,
                                           resources::ShareEnforcer& enforcer);

}  // namespace ekya::workers
