#include "core/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ekya {
namespace {

const char* Name(Device::Kind kind) { return kind == Device::Kind::kCuda ? "cuda" : "cpu"; }

}  // namespace

std::string Name(const Device& device) {
  return fmt::format("{}:{}", Name(device.kind), device.number);
}

Result<Device> ParseDevice(std::string_view name) {
  const std::size_t colon = std::min(name.find(':'), name.size());
  const std::string_view kind = name.substr(0, colon);
  const std::string_view digits = name.substr(std::min(colon + 1, name.size()));
  const bool is_cuda = kind == Name(Device::Kind::kCuda);
  Device device{is_cuda ? Device::Kind::kCuda : Device::Kind::kCpu, -1};
  const char* const end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, device.number);
  const bool numbered = code == std::errc() && stop == end && device.number >= 0 &&
                        device.number < kMostDeviceNumbers && digits.front() != '-';
  if (numbered && (is_cuda || kind == Name(Device::Kind::kCpu))) return device;
  return Error{ErrorCode::kInvalid,
               fmt::format("device: found \"{}\", expected cpu:N or cuda:N", name)};
}

}  // namespace ekya
