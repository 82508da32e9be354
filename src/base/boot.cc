#include "base/boot.h"

#include <ctime>
#include <fstream>

namespace ekya {

std::string BootId() {
  // Not ReadFile: the kernel's files have no size.
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

double BootSeconds() {
  timespec value{};
  clock_gettime(CLOCK_BOOTTIME, &value);
  return static_cast<double>(value.tv_sec) + 1e-9 * static_cast<double>(value.tv_nsec);
}

}  // namespace ekya
