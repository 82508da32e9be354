#pragma once

#include <cstdint>
#include <vector>

#include "apps/learning/recording.h"
#include "base/result.h"
#include "core/situation.h"
#include "decide/profile/shared_profiler.h"

namespace ekya::learning {

/// What micro-profiling promised for one window of one stream, and what it cost.
struct MicroProfile {
  std::vector<RetrainingProfile> profiles;  ///< Of every configuration, in the grid's order.
  double device_seconds = 0;                ///< Processor seconds of the calling thread, all told.
};

/// Profiles the window that `recording` has recorded last, by really trained trials on its training
/// samples, measured on its held-out ones. What the window is judged by is not looked at.
/// `profiler` is told first how the served model did in the window before, as its labels say.
template <typename Task>
Result<MicroProfile> ProfileShared(profile::SharedProfiler& profiler,
                                   const RecordingOf<Task>& recording, std::uint64_t seed);

/// The same by the paper's own method (section 4.3): of every configuration a trial of its own, on
/// a tenth of the samples for at most five epochs, ended early on a plateau; a curve through its
/// accuracies, read at the full training. Nothing is shared and nothing remembered.
template <typename Task>
Result<MicroProfile> ProfilePlain(const std::vector<RetrainingConfiguration>& grid,
                                  const RecordingOf<Task>& recording, std::uint64_t seed);

}  // namespace ekya::learning
