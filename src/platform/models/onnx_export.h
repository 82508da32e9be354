#pragma once

#include <map>
#include <string>

#include "core/safetensors.h"
#include "platform/models/layer_graph.h"

namespace ekya::models {

/// An ONNX model (opset 13) of what `graph` computes with `weights`, its state dict: the input
/// "pictures" of any number and size, the outputs "output0", "output1", ... Batch norms are folded
/// into the convolutions before them. A state dict that is not the graph's is a bug.
std::string ExportOnnx(const LayerGraph& graph, const std::map<std::string, StoredTensor>& weights);

}  // namespace ekya::models
