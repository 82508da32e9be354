#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/device.h"
#include "core/site.h"

namespace ekya::workers {

/// What a machine has to compute with.
struct MachineDevices {
  int processors = 1;    ///< That this process may use.
  int cuda_devices = 0;  ///< That LibTorch sees.

  /// Of this one.
  static MachineDevices Seen();
};

/// The numbers of `compute.devices`, all of one kind, in their order. `first` is added to each,
/// modulo what `machine` has. kInvalid where it does not have one: key, found, expected.
Result<std::vector<int>> DeviceNumbers(const ComputeSettings& compute, int first,
                                       const MachineDevices& machine);

/// Where LibTorch computes for a job that was given `number`, one of DeviceNumbers, negative for
/// any: that CUDA device (the site's first), or the processors.
Device DeviceOf(const ComputeSettings& compute, int number);
/// As JobShare::Set takes it: the processor that such a job stays on; -1, as for any, where it
/// computes on a CUDA device.
int ProcessorOf(const ComputeSettings& compute, int number);

}  // namespace ekya::workers
