#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ekya {

/// What computes, by the name that a site gives it: one of the processors ("cpu:0"), or a CUDA
/// device ("cuda:0"). Whether the machine has it is another question.
struct Device {
  enum class Kind { kCpu, kCuda };
  Kind kind = Kind::kCpu;
  int number = 0;

  bool is_cuda() const { return kind == Kind::kCuda; }
  bool operator==(const Device&) const = default;
};

/// Numbers of devices are below this.
inline constexpr int kMostDeviceNumbers = 4096;

/// "cpu:0", "cuda:1".
std::string Name(const Device& device);

/// What `name` names. kInvalid says what was found and expected.
Result<Device> ParseDevice(std::string_view name);

}  // namespace ekya
