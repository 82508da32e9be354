#pragma once

#include <sys/types.h>

namespace ekya::learning {

/// Processor seconds of all threads of `process` so far, to a few milliseconds of those that
/// compute right now; 0 where there is no such process. Threads that have ended are not counted.
double ProcessCpuSeconds(pid_t process);

}  // namespace ekya::learning
