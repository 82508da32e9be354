#pragma once

#include "base/result.h"
#include "core/device.h"

namespace ekya::models {

/// How many CUDA devices LibTorch sees, which it numbers from 0; none where it was built without
/// CUDA.
int CudaDevices();

/// Whether LibTorch computes on `device`: on every processor; kUnavailable names a CUDA device that
/// it does not see.
Status CheckDevice(const Device& device);

}  // namespace ekya::models
