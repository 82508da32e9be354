#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/device.h"
#include "core/safetensors.h"
#include "platform/models/engine.h"
#include "platform/models/layer_graph.h"
#include "platform/models/serving_precision.h"

namespace ekya::models {

/// What serves `graph` with `weights`, its state dict, on `device`: on a processor the faster one
/// of oneDNN and ONNX Runtime, of those that are found, on a few pictures of `side` x `side`;
/// LibTorch where neither is, and on a CUDA device. `precision` kBfloat16: oneDNN with bfloat16, or
/// LibTorch where oneDNN is not found; what would serve with float32, and a warning, where neither
/// can. kFastest: the fastest of all these, where `device` multiplies bfloat16. Logs what is chosen
/// the first time. Fails as the last engine that it tried.
Result<std::unique_ptr<Engine>> OpenServingEngine(
    const LayerGraph& graph, const std::map<std::string, StoredTensor>& weights, int side,
    ServingPrecision precision, const Device& device = {});

}  // namespace ekya::models
