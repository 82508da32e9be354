#pragma once

#include <torch/torch.h>

#include "base/result.h"
#include "core/device.h"
#include "platform/models/network.h"

namespace ekya::models {

/// LibTorch's name of `device`: all processors are one device to it.
torch::Device TorchDeviceOf(const Device& device);
/// The other way round; of processors, the first.
Device DeviceOf(const torch::Device& device);

/// As LearningModel::MoveTo.
Status MoveTo(const Device& device, Network* network);

/// Room for a batch that the calling thread writes and `device` then reads: in pinned memory where
/// that is a CUDA device, so that it is copied there while the thread goes on.
torch::Tensor EmptyBatch(torch::IntArrayRef sizes, const torch::Device& device,
                         torch::ScalarType type = torch::kFloat);

/// `tensor` on `device`: itself where it is there. The copy of pinned memory may still be under
/// way, which what computes with it waits for.
inline torch::Tensor OnDevice(const torch::Tensor& tensor, const torch::Device& device) {
  if (tensor.device() == device) return tensor;
  return tensor.to(device, /*non_blocking=*/device.is_cuda());
}

}  // namespace ekya::models
