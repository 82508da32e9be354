#pragma once

#include <map>
#include <set>
#include <string>

#include "decide/profile/course.h"
#include "decide/profile/expectation.h"
#include "decide/profile/micro_profiler.h"
#include "decide/window/conductor.h"
#include "decide/window/drift_watch.h"

namespace ekya::window {

/// What a conductor has learned in the windows so far.
struct Memory {
  explicit Memory(const ConductorSettings& settings)
      : profiler(settings.profiling, settings.retraining) {}

  profile::MicroProfiler profiler;
  profile::Expectation expectation;
  profile::Course course;
  DriftWatch drift;
  std::set<std::string> looked_after;  // Streams whose last retraining came to its end.
  struct Drifting {
    double since_seconds = 0;
    std::string reason;
  };
  std::map<std::string, Drifting> drifting;  // Streams seen to drift since.
};

}  // namespace ekya::window
