#include "platform/resources/mps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ekya::resources {

Result<std::map<std::string, std::string>> DeviceEnvironment(const std::string& device,
                                                             double share) {
  const std::size_t colon = device.find(':');
  const std::string kind = device.substr(0, colon);
  const std::string number = colon == std::string::npos ? "" : device.substr(colon + 1);
  const bool numbered =
      !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  if ((kind != "cpu" && kind != "cuda") || !numbered) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("device: found \"{}\", expected cpu:N or cuda:N", device)};
  }
  if (!(share > 0 && share <= 1 + 1e-6)) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("share of device {}: found {}, expected more than "
                             "0, at most 1",
                             device, share)};
  }
  if (kind == "cpu") return std::map<std::string, std::string>{};
  // A share is a sum of quanta: what rounding left of it is no per cent more.
  const double percent = std::clamp(std::ceil(100 * share - 1e-6), 1.0, 100.0);
  return std::map<std::string, std::string>{
      {"CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", fmt::format("{:.0f}", percent)}};
}

}  // namespace ekya::resources
