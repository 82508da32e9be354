#include "platform/models/folded_network.h"

#include <cmath>
#include <span>
#include <vector>

#include "base/check.h"

namespace ekya::models {
namespace {

using Kind = Layer::Kind;

class Folding {
 public:
  Folding(const LayerGraph& graph, const std::map<std::string, StoredTensor>& weights)
      : graph_(graph), weights_(weights), norm_behind_(graph.layers().size(), nullptr) {
    std::vector<int> readers(graph.layers().size(), 0);
    for (const Layer& layer : graph.layers()) {
      for (const int input : layer.inputs) ++readers[static_cast<std::size_t>(input)];
    }
    for (const int output : graph.outputs()) ++readers[static_cast<std::size_t>(output)];
    for (const Layer& layer : graph.layers()) {
      if (layer.kind != Kind::kBatchNorm) continue;
      const auto before = static_cast<std::size_t>(layer.inputs[0]);
      EKYA_CHECK(graph.layers()[before].kind == Kind::kConvolution && readers[before] == 1,
                 layer.name);
      norm_behind_[before] = &layer;
    }
  }

  FoldedNetwork Fold() {
    std::vector<int> place(graph_.layers().size(), 0);  // of each layer in the folded graph
    for (std::size_t i = 1; i < graph_.layers().size(); ++i) {
      Layer layer = graph_.layers()[i];
      for (int& input : layer.inputs) input = place[static_cast<std::size_t>(input)];
      if (layer.kind == Kind::kBatchNorm) {
        place[i] = layer.inputs[0];
        continue;
      }
      if (layer.kind == Kind::kConvolution) {
        FoldConvolution(layer, norm_behind_[i]);
        layer.bias = layer.bias || norm_behind_[i] != nullptr;
      } else if (!layer.name.empty()) {
        Copy(layer.name + ".weight");
        Copy(layer.name + ".bias");
      }
      const int stage = layer.stage;
      place[i] = folded_.graph.Append(std::move(layer));
      folded_.graph.PlaceInStage(place[i], stage);
    }
    for (const int output : graph_.outputs()) {
      folded_.graph.Output(place[static_cast<std::size_t>(output)]);
    }
    return std::move(folded_);
  }

 private:
  const StoredTensor& Stored(const std::string& name) const {
    const auto found = weights_.find(name);
    EKYA_CHECK(found != weights_.end(), name);
    return found->second;
  }
  std::vector<float> Numbers(const std::string& name) const {
    return NumbersOf<float>(Stored(name));
  }
  void Copy(const std::string& name) { folded_.weights[name] = Stored(name); }

  void FoldConvolution(const Layer& layer, const Layer* norm) {
    if (norm == nullptr) {
      Copy(layer.name + ".weight");
      if (layer.bias) Copy(layer.name + ".bias");
      return;
    }
    std::vector<float> weight = Numbers(layer.name + ".weight");
    std::vector<float> bias(static_cast<std::size_t>(layer.channels), 0.0F);
    if (layer.bias) bias = Numbers(layer.name + ".bias");
    const auto scale = Numbers(norm->name + ".weight");
    const auto shift = Numbers(norm->name + ".bias");
    const auto mean = Numbers(norm->name + ".running_mean");
    const auto variance = Numbers(norm->name + ".running_var");
    const std::size_t row = weight.size() / bias.size();
    for (std::size_t c = 0; c < bias.size(); ++c) {
      const double factor = scale[c] / std::sqrt(variance[c] + norm->epsilon);
      for (std::size_t i = 0; i < row; ++i) {
        weight[c * row + i] = static_cast<float>(weight[c * row + i] * factor);
      }
      bias[c] = static_cast<float>(shift[c] + (bias[c] - mean[c]) * factor);
    }
    folded_.weights[layer.name + ".weight"] =
        StoreTensor(std::span<const float>(weight), Stored(layer.name + ".weight").shape);
    folded_.weights[layer.name + ".bias"] =
        StoreTensor(std::span<const float>(bias), {layer.channels});
  }

  const LayerGraph& graph_;
  const std::map<std::string, StoredTensor>& weights_;
  std::vector<const Layer*> norm_behind_;  // each convolution's batch norm
  FoldedNetwork folded_;
};

}  // namespace

FoldedNetwork FoldNorms(const LayerGraph& graph,
                        const std::map<std::string, StoredTensor>& weights) {
  return Folding(graph, weights).Fold();
}

}  // namespace ekya::models
