#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/device.h"
#include "core/safetensors.h"
#include "platform/models/layer_graph.h"
#include "platform/models/precision.h"

namespace ekya::models {

/// Computes an exported network faster than what trains it. One thread at a time; it computes in
/// the calling thread alone.
class Engine {
 public:
  virtual ~Engine() = default;

  /// `pictures`: count x 3 x side x side normalised floats. Each output's numbers, row by row.
  /// kFailed where the engine fails.
  virtual Result<std::vector<std::vector<float>>> Run(const float* pictures, std::int64_t count,
                                                      std::int64_t side) = 0;

  /// Its library, that one's version, and what it computes with: "ONNX Runtime 1.20.1, float32".
  virtual std::string name() const = 0;
};

/// Whether ONNX Runtime's library (1.14 or later) is found. It is looked for once, where
/// EKYA_ONNXRUNTIME names a file, where scripts/setup puts it, and where the system has libraries.
bool HasOnnxRuntime();

/// ONNX Runtime with `model`, an ONNX model as ExportOnnx makes it. kUnavailable where the library
/// is not found; kInvalid where it refuses the model. `outputs`: how many the model has.
Result<std::unique_ptr<Engine>> OpenOnnxRuntime(const std::string& model, std::size_t outputs);

/// oneDNN on this processor with what `graph` computes with `weights`, its state dict, in
/// `precision`: batch norms folded, weights and tensors as its fastest primitives want them. Those
/// are found by measuring on pictures of `side` x `side`, once in a process for each such network.
/// Other sizes, and several pictures, are prepared for when they come. kUnavailable where the
/// program is built without the library, or runs with another one's; kFailed where it cannot: there
/// is bfloat16 with AVX-512 alone.
Result<std::unique_ptr<Engine>> OpenOneDnn(const LayerGraph& graph,
                                           const std::map<std::string, StoredTensor>& weights,
                                           int side, Precision precision);

/// LibTorch on `device` with what `graph` computes with `weights`, its state dict: batch norms
/// folded, in `precision`. kFailed where LibTorch throws.
Result<std::unique_ptr<Engine>> OpenLibTorch(const LayerGraph& graph,
                                             const std::map<std::string, StoredTensor>& weights,
                                             Precision precision, const Device& device = {});

}  // namespace ekya::models
