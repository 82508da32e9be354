#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "decide/profile/course.h"
#include "decide/profile/expectation.h"
#include "decide/profile/micro_profiler.h"
#include "decide/profile/shared_profiler.h"
#include "decide/window/conductor.h"
#include "decide/window/drift_watch.h"

namespace ekya::window {

/// What a conductor has learned in the windows so far.
struct Memory {
  explicit Memory(const ConductorSettings& settings)
      : profiler(settings.profiling, settings.retraining) {
    if (settings.profiler != ProfilerUse::kShared) return;
    profile::SharedProfilerSettings sharing;
    sharing.trials = settings.profiling;
    shared.emplace(sharing, settings.retraining);
  }

  profile::MicroProfiler profiler;
  profile::Expectation expectation;
  profile::Course course;
  std::optional<profile::SharedProfiler> shared;
  /// A stream's last model that was swapped in.
  struct Swapped {
    int window = 0;
    std::string configuration;
    double part_served = 0;  ///< Of that window.
    double device_seconds = 0;
  };
  std::map<std::string, Swapped> swapped;
  DriftWatch drift;
  std::set<std::string> unlabelled;    // Streams that the last window's labelling did not reach.
  std::set<std::string> looked_after;  // Streams whose last retraining came to its end.
  struct Drifting {
    double since_seconds = 0;
    std::string reason;
  };
  std::map<std::string, Drifting> drifting;  // Streams seen to drift since.
};

}  // namespace ekya::window
