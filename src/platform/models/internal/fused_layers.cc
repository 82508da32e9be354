#include "platform/models/internal/fused_layers.h"

#include <algorithm>

#include "base/check.h"

namespace ekya::models::internal {
namespace {

using Kind = Layer::Kind;

class LayerFusion {
 public:
  explicit LayerFusion(const LayerGraph& graph)
      : graph_(graph), readers_(graph.layers().size()), is_output_(graph.layers().size(), false) {
    for (std::size_t i = 0; i < graph.layers().size(); ++i) {
      for (const int input : graph.layers()[i].inputs) {
        readers_[static_cast<std::size_t>(input)].push_back(static_cast<int>(i));
      }
    }
    for (const int output : graph.outputs()) is_output_[static_cast<std::size_t>(output)] = true;
  }

  std::vector<FusedLayer> Fuse() {
    std::vector<bool> done(readers_.size(), false);  // with one before it
    // The sums first: each belongs to a convolution that comes before it.
    std::vector<int> sum_of(readers_.size(), -1);
    for (int i = 0; i < Count(); ++i) {
      if (At(i).kind != Kind::kAdd) continue;
      const int convolution = ConvolutionOf(i);
      if (convolution < 0) continue;
      sum_of[static_cast<std::size_t>(convolution)] = i;
      done[static_cast<std::size_t>(i)] = true;
    }
    std::vector<FusedLayer> fused;
    for (int i = 1; i < Count(); ++i) {
      const Layer& layer = At(i);
      EKYA_CHECK(layer.kind != Kind::kBatchNorm, layer.name);
      if (IsView(layer.kind) || done[static_cast<std::size_t>(i)]) continue;
      FusedLayer each{i, -1, Activation::kLinear, i};
      if (const int sum = sum_of[static_cast<std::size_t>(i)]; sum >= 0) {
        const auto& inputs = At(sum).inputs;
        each.added = inputs[0] == i ? inputs[1] : inputs[0];
        each.result = sum;
      }
      if (layer.kind == Kind::kActivation) {
        each.activation = layer.activation;
      } else if (layer.kind == Kind::kConvolution || layer.kind == Kind::kLinear ||
                 layer.kind == Kind::kAdd) {
        const int next = OnlyReader(each.result);
        if (next >= 0 && At(next).kind == Kind::kActivation) {
          each.activation = At(next).activation;
          each.result = next;
          done[static_cast<std::size_t>(next)] = true;
        }
      }
      fused.push_back(each);
    }
    return fused;
  }

 private:
  int Count() const { return static_cast<int>(readers_.size()); }
  const Layer& At(int layer) const { return graph_.layers()[static_cast<std::size_t>(layer)]; }
  const std::vector<int>& ReadersOf(int layer) const {
    return readers_[static_cast<std::size_t>(layer)];
  }
  bool IsOutput(int layer) const { return is_output_[static_cast<std::size_t>(layer)]; }
  int OnlyReader(int layer) const {
    return ReadersOf(layer).size() == 1 && !IsOutput(layer) ? ReadersOf(layer).front() : -1;
  }

  /// The convolution that can add to its result what else `sum` adds, in its memory; or -1.
  int ConvolutionOf(int sum) const {
    const int convolution = std::max(At(sum).inputs[0], At(sum).inputs[1]);
    const int other = std::min(At(sum).inputs[0], At(sum).inputs[1]);
    if (other == convolution || At(convolution).kind != Kind::kConvolution ||
        OnlyReader(convolution) != sum) {
      return -1;
    }
    // The pictures are the caller's, and what a view gives is memory of others.
    if (other == graph_.input() || IsView(At(other).kind) || IsOutput(other)) return -1;
    for (const int reader : ReadersOf(other)) {
      if (reader == sum) continue;
      // A view is read later than where it stands.
      if (reader >= convolution || IsView(At(reader).kind)) return -1;
    }
    return convolution;
  }

  const LayerGraph& graph_;
  std::vector<std::vector<int>> readers_;  // of each layer's result
  std::vector<bool> is_output_;
};

}  // namespace

bool IsView(Layer::Kind kind) {
  return kind == Kind::kSlice || kind == Kind::kConcatenate || kind == Kind::kShuffle ||
         kind == Kind::kFlatten;
}

std::vector<FusedLayer> FuseLayers(const LayerGraph& graph) { return LayerFusion(graph).Fuse(); }

}  // namespace ekya::models::internal
