#pragma once

#include <filesystem>

#include "base/result.h"
#include "core/situation.h"

namespace ekya::experiments {

/// The paper's worked example (section 3.2): two streams on three GPUs in two windows of 120 s with
/// an accuracy floor of 0.4, whose inference needs a GPU each and loses accuracy in proportion
/// below that. `window` is 1 or 2; what the second starts from is the first one's outcome, here
/// that of no retraining. With `pooled` the three GPUs are one device that jobs share as they like,
/// as the paper's uniform shares do: four jobs of three quarters of a GPU fit on no three GPUs.
Situation WorkedExample(int window, bool pooled);

/// `ekya experiment worked-example`: every scheduler in both windows, the second from the first
/// one's outcome. Writes report.html with all timelines, summary.json, the situations as
/// window-1.json and so on, and the schedules, into `directory`.
Status RunWorkedExample(const std::filesystem::path& directory);

}  // namespace ekya::experiments
