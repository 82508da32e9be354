#pragma once

#include "decide/profile/course.h"
#include "decide/profile/expectation.h"
#include "decide/profile/micro_profiler.h"

namespace ekya::window {

/// What a conductor has learned in the windows so far.
struct Memory {
  profile::MicroProfiler profiler;
  profile::Expectation expectation;
  profile::Course course;
};

}  // namespace ekya::window
