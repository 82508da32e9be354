#pragma once

#include <cstdint>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/safetensors.h"
#include "platform/models/internal/fused_layers.h"
#include "platform/models/layer_graph.h"
#include "platform/models/precision.h"

// How oneDNN computes one network. Everything here may throw dnnl::error, and is used by one thread
// at a time, which is one that computes alone.
namespace ekya::models::internal {

/// Weights in the orders that primitives want them, each made once while anybody has it.
class OneDnnWeights {
 public:
  /// `weights`: float32.
  OneDnnWeights(std::map<std::string, StoredTensor> weights, const dnnl::engine& engine)
      : weights_(std::move(weights)), engine_(engine), stream_(engine) {}

  /// The tensor `name`, which lies row by row in `dimensions`, as `wanted` says.
  std::shared_ptr<dnnl::memory> In(const std::string& name, const dnnl::memory::dims& dimensions,
                                   const dnnl::memory::desc& wanted);

 private:
  struct Made {
    dnnl::memory::desc desc;
    std::weak_ptr<dnnl::memory> memory;
  };

  std::map<std::string, StoredTensor> weights_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<std::string, std::vector<Made>> made_;
};

/// A network as plans for different pictures share it.
struct OneDnnNetwork {
  OneDnnNetwork(LayerGraph the_graph, std::map<std::string, StoredTensor> the_weights,
                Precision the_precision);

  LayerGraph graph;  ///< Batch norms folded.
  std::vector<FusedLayer> layers;
  Precision precision = Precision::kFloat32;
  dnnl::engine engine;
  OneDnnWeights weights;
};

/// How a plan is to compute where there are several ways.
struct OneDnnChoice {
  bool channels_last = false;  ///< Else channels lie in blocks as wide as a vector register.
  std::vector<bool> winograd;  ///< By layer: wherever oneDNN can, which is in blocks alone.
};

/// One channel of a tensor of a plan.
struct OneDnnChannel {
  int tensor = 0;
  std::int64_t channel = 0;
};

/// Channels of tensors, in an order of their own, on their way into another tensor.
struct OneDnnGather {
  /// `run` numbers of each of `area` pixels; `tensor` -1: zeros.
  struct Piece {
    int tensor = -1;
    std::int64_t from = 0;
    std::int64_t from_step = 0;
    std::int64_t from_item = 0;  ///< Numbers from picture to picture.
    std::int64_t to = 0;
    std::int64_t run = 0;
  };

  int to = 0;
  std::int64_t count = 0;  ///< Pictures.
  std::int64_t area = 0;
  std::int64_t to_step = 0;
  std::int64_t to_item = 0;
  std::size_t bytes = 4;  ///< Of one number.
  std::vector<Piece> pieces;
};

/// The primitives that compute a network for `count` pictures of `side` x `side`, and where each of
/// its tensors lies: in memory that the plan is lent, used again as soon as nobody reads a tensor.
class OneDnnPlan {
 public:
  OneDnnPlan(OneDnnNetwork& network, std::int64_t count, std::int64_t side,
             const OneDnnChoice& choice);

  /// What it needs, to be given to Lend before it computes; what another plan leaves there does
  /// not matter.
  std::size_t tensor_bytes() const { return tensor_bytes_; }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  void Lend(std::byte* tensors, std::byte* scratch);

  /// Appends each output's numbers, row by row. `seconds`, unless null: adds each layer's
  /// processor seconds.
  std::vector<std::vector<float>> Run(const float* pictures,
                                      std::vector<double>* seconds = nullptr);

  /// The layers that it computes with Winograd's algorithm.
  const std::vector<bool>& winograd() const { return winograd_; }

 private:
  friend class OneDnnPlanner;

  struct Tensor {
    dnnl::memory::desc desc;
    int first = 0;  // step that writes it
    int last = 0;   // and the last one that reads it
    std::size_t offset = 0;
    void* data = nullptr;
    dnnl::memory memory;
  };
  struct Step {
    int layer = 0;
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
    std::vector<std::pair<int, int>> tensors;  // which argument, which tensor
    std::size_t gather = 0;                    // where there is no primitive: which of gathers_
    dnnl::memory::desc scratch;
  };

  void PlaceTensors();
  void Gather(const OneDnnGather& gather);

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<Tensor> tensors_;  // the first one is the pictures, the caller's
  std::vector<Step> steps_;
  std::vector<OneDnnGather> gathers_;
  std::vector<std::shared_ptr<dnnl::memory>> weights_;
  std::vector<int> outputs_;
  std::vector<bool> winograd_;
  std::size_t tensor_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace ekya::models::internal
