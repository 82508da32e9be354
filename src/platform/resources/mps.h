#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace ekya::resources {

/// What has to be in the environment of a worker process, from its start on, for its job to get
/// `share`, (0, 1], of `device`, by name: for a CUDA device ("cuda:0") the part of its
/// multiprocessors that CUDA's Multi-Process Service leaves the process, in whole per cent, rounded
/// up, so that no job is left without any. Nothing for a core ("cpu:0"), whose share the kernel or
/// pacing keeps. The service reads this when the process first uses the device: a change later is a
/// new process, or pacing below this bound. kInvalid names device and share.
Result<std::map<std::string, std::string>> DeviceEnvironment(const std::string& device,
                                                             double share);

}  // namespace ekya::resources
