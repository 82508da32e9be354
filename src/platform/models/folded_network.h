#pragma once

#include <map>
#include <string>

#include "core/safetensors.h"
#include "platform/models/layer_graph.h"

namespace ekya::models {

/// A network for serving alone: it computes the same with fewer layers.
struct FoldedNetwork {
  LayerGraph graph;
  std::map<std::string, StoredTensor> weights;  ///< The graph's state dict.
};

/// `graph` and `weights`, its state dict, with each batch norm folded into the convolution before
/// it, which gets a bias. One behind anything else, or behind a convolution that others read too,
/// is a bug, as is a state dict that is not the graph's.
FoldedNetwork FoldNorms(const LayerGraph& graph,
                        const std::map<std::string, StoredTensor>& weights);

}  // namespace ekya::models
