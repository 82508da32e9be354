#include "platform/models/compute_device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include "platform/models/precision.h"
#include "platform/models/torch_device.h"

namespace ekya::models {

int CudaDevices() {
  // Asks for a driver, and throws where there is a broken one.
  try {
    return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

Status CheckDevice(const Device& device) {
  if (!device.is_cuda() || device.number < CudaDevices()) return {};
  return Error{ErrorCode::kUnavailable,
               fmt::format("device: found {}, expected one of the {} CUDA devices that LibTorch "
                           "sees, or cpu:N",
                           Name(device), CudaDevices())};
}

bool HasFastBfloat16(const Device& device) {
  if (!device.is_cuda()) return HasFastBfloat16();
  if (!CheckDevice(device).ok()) return false;
  // LibTorch itself chooses cuDNN's bfloat16 convolutions by this answer, of the current device.
  const c10::DeviceGuard guard(TorchDeviceOf(device));
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

torch::Device TorchDeviceOf(const Device& device) {
  if (!device.is_cuda()) return torch::kCPU;
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(device.number)};
}

Device DeviceOf(const torch::Device& device) {
  if (!device.is_cuda()) return {};
  return {Device::Kind::kCuda, device.has_index() ? static_cast<int>(device.index()) : 0};
}

Status MoveTo(const Device& device, Network* network) {
  EKYA_RETURN_IF_ERROR(CheckDevice(device));
  try {
    network->MoveTo(TorchDeviceOf(device));
    return {};
  } catch (const std::exception& exception) {
    return Error{ErrorCode::kFailed,
                 fmt::format("{}: cannot take a model: {}", Name(device), exception.what())};
  }
}

torch::Tensor EmptyBatch(torch::IntArrayRef sizes, const torch::Device& device,
                         torch::ScalarType type) {
  return torch::empty(sizes, torch::TensorOptions(type).pinned_memory(device.is_cuda()));
}

}  // namespace ekya::models
