#include "run/workers/compute_devices.h"

#include <fmt/format.h>

#include "platform/models/compute_device.h"
#include "platform/resources/share.h"

namespace ekya::workers {
namespace {

/// The first of a site's devices, which are of its kind; a processor where it names none that is
/// one.
Device FirstOf(const ComputeSettings& compute) {
  if (compute.devices.empty()) return {};
  const auto first = ParseDevice(compute.devices.front());
  return first.ok() ? *first : Device();
}

/// "cpu:0 to cpu:1", "cuda:0".
std::string Range(Device::Kind kind, int count) {
  const std::string first = Name({kind, 0});
  return count == 1 ? first : first + " to " + Name({kind, count - 1});
}

std::string Expected(const Device& device, const MachineDevices& machine) {
  if (!device.is_cuda()) {
    return "one of the processors that this process may use, " +
           Range(Device::Kind::kCpu, machine.processors);
  }
  const int seen = machine.cuda_devices;
  return fmt::format("a CUDA device that this machine has ({} seen) or cpu:N",
                     seen == 0   ? "none is"
                     : seen == 1 ? "cuda:0 is"
                                 : Range(Device::Kind::kCuda, seen) + " are");
}

}  // namespace

MachineDevices MachineDevices::Seen() { return {resources::Processors(), models::CudaDevices()}; }

Result<std::vector<int>> DeviceNumbers(const ComputeSettings& compute, int first,
                                       const MachineDevices& machine) {
  std::vector<int> numbers;
  for (const std::string& name : compute.devices) {
    const auto device = ParseDevice(name);
    if (!device.ok()) return device.error().Within("compute.devices");
    const int count = device->is_cuda() ? machine.cuda_devices : machine.processors;
    if (device->number >= count) {
      return Error{ErrorCode::kInvalid, fmt::format("compute.devices: found \"{}\", expected {}",
                                                    name, Expected(*device, machine))};
    }
    if (device->kind != FirstOf(compute).kind) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("compute.devices: found \"{}\" beside \"{}\", expected either "
                               "processors or CUDA devices",
                               name, compute.devices.front())};
    }
    numbers.push_back((device->number + first) % count);
  }
  return numbers;
}

Device DeviceOf(const ComputeSettings& compute, int number) {
  Device device = FirstOf(compute);
  if (!device.is_cuda()) return {};
  if (number >= 0) device.number = number;
  return device;
}

int ProcessorOf(const ComputeSettings& compute, int number) {
  return FirstOf(compute).is_cuda() ? -1 : number;
}

}  // namespace ekya::workers
