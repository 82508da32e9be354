#pragma once

#include <cstdint>
#include <string>

#include "decide/window/record.h"

namespace ekya::report {

/// A made-up run for the tests of this module and for looking at the page: `windows` windows of 30
/// s on two devices, three streams whose scenes drift. "none" never retrains; every other scheduler
/// does, with some retrainings that fail. Deterministic.
window::RunRecord SampleRun(const std::string& scheduler, std::uint64_t seed, int windows = 8);

}  // namespace ekya::report
