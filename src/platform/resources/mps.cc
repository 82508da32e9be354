#include "platform/resources/mps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/device.h"

namespace ekya::resources {

Result<std::map<std::string, std::string>> DeviceEnvironment(const std::string& device,
                                                             double share) {
  EKYA_ASSIGN(const Device known, ParseDevice(device));
  if (!(share > 0 && share <= 1 + 1e-6)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("share of device {}: found {}, expected more than "
                             "0, at most 1",
                             device, share)};
  }
  if (!known.is_cuda()) return std::map<std::string, std::string>{};
  // A share is a sum of quanta: what rounding left of it is no per cent more.
  const double percent = std::clamp(std::ceil(100 * share - 1e-6), 1.0, 100.0);
  return std::map<std::string, std::string>{
      {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", fmt::format("{:.0f}", percent)}};
}

}  // namespace ekya::resources
