#pragma once

#include "base/result.h"
#include "core/schedule.h"
#include "core/situation.h"

namespace ekya::window {

/// Whether the first segment of `schedule` can be applied in `situation`: known streams and
/// configurations, each stream once, no device over its quanta, no retraining of a stream that had
/// its own, nor another than the one that runs, nor on another device. kFailed: a policy's fault,
/// named.
Status CheckApplicable(const Situation& situation, const Schedule& schedule);

}  // namespace ekya::window
