#pragma once

#include <string>
#include <vector>

#include "platform/models/internal/onednn_plan.h"

namespace ekya::models::internal {

/// Fills a plan, layer by layer, with the primitives that compute it and the tensors between them.
class OneDnnPlanner {
 public:
  OneDnnPlanner(OneDnnNetwork& network, std::int64_t count, std::int64_t side,
                const OneDnnChoice& choice, OneDnnPlan& plan);

  void Plan();

 private:
  using Desc = dnnl::memory::desc;
  using Tag = dnnl::memory::format_tag;
  using Type = dnnl::memory::data_type;
  using Dimensions = dnnl::memory::dims;

  /// What a layer gives: a tensor, or channels of several that nobody has put together yet.
  struct Value {
    Dimensions dimensions;  // pictures, channels, height, width
    int tensor = -1;
    std::vector<OneDnnChannel> channels;  // where `tensor` is -1
  };
  /// An argument of a primitive: a tensor of the plan.
  struct Argument {
    int argument = 0;
    int tensor = 0;
  };

  const Layer& At(int layer) const;
  Value& ValueOf(int layer) { return values_[static_cast<std::size_t>(layer)]; }
  /// Of what `layer` reads first.
  int InputOf(int layer) const { return At(layer).inputs[0]; }
  /// Of the size that `layer` gives.
  Dimensions SizeOf(int layer);

  int NewTensor(const Desc& desc);
  const Desc& DescOf(int tensor) const;
  /// As tensors lie between layers.
  Desc Between(const Dimensions& dimensions) const { return {dimensions, type_, Layout()}; }
  Tag Layout() const;
  /// How many channels lie side by side in `desc`; 0: not as it can be gathered.
  static std::int64_t BlockOf(const Desc& desc);

  dnnl::primitive_attr Attributes(const FusedLayer& fused) const;
  void AddStep(int layer, const dnnl::primitive& primitive, const Desc& scratch,
               const std::vector<Argument>& arguments);
  void AddWeights(const std::string& name, const Dimensions& dimensions, const Desc& wanted,
                  int argument);

  /// The tensor that `layer` gives, put together where it was not.
  int Whole(int layer);
  /// The same as `wanted` says.
  int As(int layer, const Desc& wanted);
  int Reordered(int tensor, const Desc& wanted);
  void GatherInto(const std::vector<OneDnnChannel>& channels, int tensor);

  void PlanViews(int before);
  std::vector<OneDnnChannel> ChannelsOf(int layer);
  void PlanLayer(const FusedLayer& fused);
  void PlanConvolution(const FusedLayer& fused);
  dnnl::convolution_forward::primitive_desc ChooseConvolution(const FusedLayer& fused);
  void PlanLinear(const FusedLayer& fused);
  void PlanActivation(const FusedLayer& fused);
  void PlanPooling(const FusedLayer& fused);
  void PlanUpsample(const FusedLayer& fused);
  void PlanSumOrProduct(const FusedLayer& fused);
  void Give(const FusedLayer& fused, const Dimensions& dimensions, int tensor);

  OneDnnNetwork& network_;
  const LayerGraph& graph_;
  const std::int64_t count_;
  const std::int64_t side_;
  const OneDnnChoice& choice_;
  OneDnnPlan& plan_;
  const Type type_;
  std::vector<Value> values_;  // by layer
  int viewed_ = 0;             // the layers before have values, or are computed first
  struct Copy {
    int tensor = 0;
    int copy = 0;
  };
  std::vector<Copy> copies_;  // in another order
};

}  // namespace ekya::models::internal
