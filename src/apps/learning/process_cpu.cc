#include "apps/learning/process_cpu.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace ekya::learning {

double ProcessCpuSeconds(pid_t process) {
  double seconds = 0;
  std::error_code gone;
  for (std::filesystem::directory_iterator thread(fmt::format("/proc/{}/task", process), gone), end;
       !gone && thread != end; thread.increment(gone)) {
    std::ifstream file(thread->path() / "schedstat");
    double nanoseconds = 0;
    if (file >> nanoseconds) seconds += 1e-9 * nanoseconds;
  }
  return seconds;
}

}  // namespace ekya::learning
