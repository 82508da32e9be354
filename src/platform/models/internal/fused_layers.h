#pragma once

#include <vector>

#include "platform/models/layer_graph.h"

namespace ekya::models::internal {

/// A layer that computes, with the ones behind it that are done in the same pass over its result.
struct FusedLayer {
  int layer = 0;
  /// The layer whose result is added to this one's, in the memory of the former, which nobody reads
  /// any more; -1: none.
  int added = -1;
  Activation activation = Activation::kLinear;  ///< Then done to each number.
  int result = 0;  ///< The last of the layers that this stands for: itself or one behind it.
};

/// Whether `kind` computes nothing: it gives channels of its inputs as they are, in its own order.
bool IsView(Layer::Kind kind);

/// What of `graph`, whose batch norms are folded, is to be computed, in an order in which it can
/// be: an activation goes with the convolution, linear layer or sum before it, and a sum with one
/// of its convolutions, wherever nobody else reads what lies between. Neither the input nor views
/// are among them.
std::vector<FusedLayer> FuseLayers(const LayerGraph& graph);

}  // namespace ekya::models::internal
