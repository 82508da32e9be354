#include "platform/models/internal/onednn_planner.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace ekya::models::internal {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Kind = Layer::Kind;

constexpr float kLeak = 0.1F;

/// oneDNN's name for `activation` and the one or two numbers that belong to it.
struct Elementwise {
  algorithm kind = algorithm::eltwise_linear;
  float alpha = 1;
  float beta = 0;
};

Elementwise ElementwiseOf(Activation activation) {
  switch (activation) {
    case Activation::kLinear:
      break;
    case Activation::kRelu:
      return {algorithm::eltwise_relu, 0, 0};
    case Activation::kRelu6:
      return {algorithm::eltwise_clip, 0, 6};
    case Activation::kLeaky:
      return {algorithm::eltwise_relu, kLeak, 0};
    case Activation::kSilu:
      return {algorithm::eltwise_swish, 1, 0};
    case Activation::kSigmoid:
      return {algorithm::eltwise_logistic, 0, 0};
    case Activation::kMish:
      return {algorithm::eltwise_mish, 0, 0};
  }
  return {};
}

bool HasWideVectors() {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (has & wanted) == wanted;
}

/// Whether oneDNN would do it in the plainest way, or by unfolding pictures into matrices.
bool IsSlow(const dnnl::convolution_forward::primitive_desc& description) {
  const std::string_view name = description.impl_info_str();
  return name.starts_with("ref") || name.find("gemm") != std::string_view::npos;
}

}  // namespace

OneDnnPlanner::OneDnnPlanner(OneDnnNetwork& network, std::int64_t count, std::int64_t side,
                             const OneDnnChoice& choice, OneDnnPlan& plan)
    : network_(network),
      graph_(network.graph),
      count_(count),
      side_(side),
      choice_(choice),
      plan_(plan),
      type_(network.precision == Precision::kBfloat16 ? Type::bf16 : Type::f32),
      values_(network.graph.layers().size()) {}

void OneDnnPlanner::Plan() {
  plan_.winograd_.assign(values_.size(), false);
  const Dimensions pictures = {count_, 3, side_, side_};
  ValueOf(graph_.input()) = {pictures, NewTensor({pictures, Type::f32, Tag::nchw}), {}};
  for (const FusedLayer& fused : network_.layers) {
    PlanViews(fused.layer);
    PlanLayer(fused);
  }
  PlanViews(static_cast<int>(values_.size()));
  for (const int output : graph_.outputs()) {
    const int tensor = Whole(output);
    const Dimensions dimensions = DescOf(tensor).dims();
    plan_.outputs_.push_back(
        Reordered(tensor, {dimensions, Type::f32, dimensions.size() == 2 ? Tag::nc : Tag::nchw}));
  }
}

const Layer& OneDnnPlanner::At(int layer) const {
  return graph_.layers()[static_cast<std::size_t>(layer)];
}

memory::dims OneDnnPlanner::SizeOf(int layer) {
  const Layer& here = At(layer);
  Dimensions size = ValueOf(here.inputs[0]).dimensions;
  size[1] = here.channels;
  const bool has_kernel = here.kind == Kind::kConvolution || here.kind == Kind::kMaxPool;
  for (const std::size_t i : {2, 3}) {
    const int after = here.kind == Kind::kMaxPool ? here.padding_after : here.padding;
    if (has_kernel && size[i] + here.padding + after < here.kernel) {
      throw dnnl::error(dnnl_invalid_arguments, "a layer's input is smaller than its kernel");
    }
    if (has_kernel) {
      size[i] = (size[i] + here.padding + after - here.kernel) / here.stride + 1;
    } else if (here.kind == Kind::kUpsample) {
      size[i] *= here.stride;
    } else if (here.kind == Kind::kGlobalAverage) {
      size[i] = 1;
    }
  }
  return size;
}

int OneDnnPlanner::NewTensor(const Desc& desc) {
  OneDnnPlan::Tensor tensor;
  tensor.desc = desc;
  tensor.first = static_cast<int>(plan_.steps_.size());  // the next one writes it
  tensor.last = tensor.first;
  plan_.tensors_.push_back(std::move(tensor));
  return static_cast<int>(plan_.tensors_.size()) - 1;
}

const memory::desc& OneDnnPlanner::DescOf(int tensor) const {
  return plan_.tensors_[static_cast<std::size_t>(tensor)].desc;
}

memory::format_tag OneDnnPlanner::Layout() const {
  if (choice_.channels_last) return Tag::nhwc;
  return HasWideVectors() ? Tag::nChw16c : Tag::nChw8c;
}

dnnl::primitive_attr OneDnnPlanner::Attributes(const FusedLayer& fused) const {
  dnnl::post_ops behind;
  if (fused.added >= 0) behind.append_sum();
  if (fused.activation != Activation::kLinear) {
    const Elementwise each = ElementwiseOf(fused.activation);
    behind.append_eltwise(1, each.kind, each.alpha, each.beta);
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_post_ops(behind);
  return attributes;
}

void OneDnnPlanner::AddStep(int layer, const dnnl::primitive& primitive, const Desc& scratch,
                            const std::vector<Argument>& arguments) {
  OneDnnPlan::Step step;
  step.layer = layer;
  step.primitive = primitive;
  step.scratch = scratch;
  for (const Argument& each : arguments) step.tensors.emplace_back(each.argument, each.tensor);
  plan_.steps_.push_back(std::move(step));
}

void OneDnnPlanner::AddWeights(const std::string& name, const Dimensions& dimensions,
                               const Desc& wanted, int argument) {
  auto weights = network_.weights.In(name, dimensions, wanted);
  plan_.steps_.back().arguments[argument] = *weights;
  plan_.weights_.push_back(std::move(weights));
}

void OneDnnPlanner::Give(const FusedLayer& fused, const Dimensions& dimensions, int tensor) {
  for (const int layer : {fused.layer, fused.result}) ValueOf(layer) = {dimensions, tensor, {}};
}

void OneDnnPlanner::PlanLayer(const FusedLayer& fused) {
  switch (At(fused.layer).kind) {
    case Kind::kConvolution:
      return PlanConvolution(fused);
    case Kind::kLinear:
      return PlanLinear(fused);
    case Kind::kActivation:
      return PlanActivation(fused);
    case Kind::kMaxPool:
    case Kind::kGlobalAverage:
      return PlanPooling(fused);
    case Kind::kUpsample:
      return PlanUpsample(fused);
    case Kind::kAdd:
    case Kind::kMultiply:
      return PlanSumOrProduct(fused);
    default:
      EKYA_CHECK(false, "a layer that is not computed");
  }
}

dnnl::convolution_forward::primitive_desc OneDnnPlanner::ChooseConvolution(
    const FusedLayer& fused) {
  const Layer& here = At(fused.layer);
  const Dimensions in = ValueOf(here.inputs[0]).dimensions;
  const Dimensions out = SizeOf(fused.layer);
  Dimensions weights = {out[1], in[1] / here.groups, here.kernel, here.kernel};
  if (here.groups > 1) {
    weights[0] /= here.groups;
    weights.insert(weights.begin(), here.groups);
  }
  const Dimensions strides = {here.stride, here.stride};
  const Dimensions padding = {here.padding, here.padding};
  struct Way {
    algorithm kind;
    Tag from;
    Tag to;
  };
  std::vector<Way> ways;
  const bool winograd =
      !choice_.winograd.empty() && choice_.winograd[static_cast<std::size_t>(fused.layer)];
  const bool may = winograd && !choice_.channels_last && here.kernel == 3 && here.stride == 1 &&
                   here.groups == 1 && type_ == Type::f32;
  if (may) ways.push_back({algorithm::convolution_winograd, Layout(), Layout()});
  // Where the pictures have few channels, some read them as they come.
  if (here.inputs[0] == graph_.input()) {
    ways.push_back({algorithm::convolution_direct, Tag::nchw, Layout()});
  }
  ways.push_back({algorithm::convolution_direct, Layout(), Layout()});
  ways.push_back({algorithm::convolution_auto, Tag::any, Tag::any});
  for (const Way& way : ways) {
    const bool last = &way == &ways.back();
    const Desc bias = here.bias ? Desc({out[1]}, Type::f32, Tag::a) : Desc();
    const dnnl::convolution_forward::desc wanted(
        prop_kind::forward_inference, way.kind, Desc(in, type_, way.from),
        Desc(weights, type_, Tag::any), bias, Desc(out, type_, way.to), strides, padding, padding);
    dnnl::convolution_forward::primitive_desc found(wanted, Attributes(fused), network_.engine,
                                                    /*allow_empty=*/!last);
    if (!found || (!last && IsSlow(found))) continue;
    plan_.winograd_[static_cast<std::size_t>(fused.layer)] =
        way.kind == algorithm::convolution_winograd;
    return found;
  }
  return {};
}

void OneDnnPlanner::PlanConvolution(const FusedLayer& fused) {
  const Layer& here = At(fused.layer);
  const auto description = ChooseConvolution(fused);
  const int from = As(here.inputs[0], description.src_desc());
  // The sum is left where one of its parts lies.
  const int to = fused.added >= 0 ? As(fused.added, description.dst_desc())
                                  : NewTensor(description.dst_desc());
  std::erase_if(copies_, [to](const Copy& each) { return each.tensor == to || each.copy == to; });
  AddStep(fused.layer, dnnl::convolution_forward(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
  const Desc wanted = description.weights_desc();
  AddWeights(here.name + ".weight", wanted.dims(), wanted, DNNL_ARG_WEIGHTS);
  if (here.bias) {
    AddWeights(here.name + ".bias", {here.channels}, description.bias_desc(), DNNL_ARG_BIAS);
  }
  Give(fused, SizeOf(fused.layer), to);
}

void OneDnnPlanner::PlanLinear(const FusedLayer& fused) {
  const Layer& here = At(fused.layer);
  const int input = Whole(here.inputs[0]);
  const Dimensions in = DescOf(input).dims();
  Dimensions weights = in;
  weights[0] = here.channels;
  // Always of float32, as LibTorch's.
  const Desc bias({here.channels}, Type::f32, Tag::a);
  const dnnl::inner_product_forward::primitive_desc description(
      {prop_kind::forward_inference, Desc(in, Type::f32, Tag::any),
       Desc(weights, Type::f32, Tag::any), bias, Desc({count_, here.channels}, Type::f32, Tag::nc)},
      Attributes(fused), network_.engine);
  const int from = Reordered(input, description.src_desc());
  const int to = NewTensor(description.dst_desc());
  AddStep(fused.layer, dnnl::inner_product_forward(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
  AddWeights(here.name + ".weight", weights, description.weights_desc(), DNNL_ARG_WEIGHTS);
  AddWeights(here.name + ".bias", {here.channels}, bias, DNNL_ARG_BIAS);
  Give(fused, {count_, here.channels, 1, 1}, to);
}

void OneDnnPlanner::PlanActivation(const FusedLayer& fused) {
  const int from = Whole(InputOf(fused.layer));
  const Elementwise each = ElementwiseOf(fused.activation);
  FusedLayer alone = fused;
  alone.activation = Activation::kLinear;
  const dnnl::eltwise_forward::primitive_desc description(
      {prop_kind::forward_inference, each.kind, DescOf(from), each.alpha, each.beta},
      Attributes(alone), network_.engine);
  const int to = NewTensor(description.dst_desc());
  AddStep(fused.layer, dnnl::eltwise_forward(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
  Give(fused, ValueOf(InputOf(fused.layer)).dimensions, to);
}

void OneDnnPlanner::PlanPooling(const FusedLayer& fused) {
  const Layer& here = At(fused.layer);
  const int from = As(here.inputs[0], Between(ValueOf(here.inputs[0]).dimensions));
  const Dimensions in = ValueOf(here.inputs[0]).dimensions;
  const Dimensions out = SizeOf(fused.layer);
  const bool all = here.kind == Kind::kGlobalAverage;
  const Dimensions kernel = all ? Dimensions{in[2], in[3]} : Dimensions{here.kernel, here.kernel};
  const Dimensions strides = all ? Dimensions{1, 1} : Dimensions{here.stride, here.stride};
  const Dimensions before = all ? Dimensions{0, 0} : Dimensions{here.padding, here.padding};
  const Dimensions after =
      all ? Dimensions{0, 0} : Dimensions{here.padding_after, here.padding_after};
  const dnnl::pooling_forward::primitive_desc description(
      {prop_kind::forward_inference,
       all ? algorithm::pooling_avg_exclude_padding : algorithm::pooling_max, DescOf(from),
       Between(out), strides, kernel, before, after},
      Attributes(fused), network_.engine);
  const int to = NewTensor(description.dst_desc());
  AddStep(fused.layer, dnnl::pooling_forward(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
  Give(fused, out, to);
}

void OneDnnPlanner::PlanUpsample(const FusedLayer& fused) {
  const int from = As(InputOf(fused.layer), Between(ValueOf(InputOf(fused.layer)).dimensions));
  const Dimensions out = SizeOf(fused.layer);
  const dnnl::resampling_forward::primitive_desc description(
      {prop_kind::forward_inference, algorithm::resampling_nearest, DescOf(from), Between(out)},
      Attributes(fused), network_.engine);
  const int to = NewTensor(description.dst_desc());
  AddStep(fused.layer, dnnl::resampling_forward(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, to}});
  Give(fused, out, to);
}

void OneDnnPlanner::PlanSumOrProduct(const FusedLayer& fused) {
  const Layer& here = At(fused.layer);
  const int first = As(here.inputs[0], Between(ValueOf(here.inputs[0]).dimensions));
  const int second = As(here.inputs[1], Between(ValueOf(here.inputs[1]).dimensions));
  const Desc result = DescOf(first);
  const auto kind = here.kind == Kind::kAdd ? algorithm::binary_add : algorithm::binary_mul;
  const dnnl::binary::primitive_desc description({kind, result, DescOf(second), result},
                                                 Attributes(fused), network_.engine);
  const int to = NewTensor(result);
  AddStep(fused.layer, dnnl::binary(description), description.scratchpad_desc(),
          {{DNNL_ARG_SRC_0, first}, {DNNL_ARG_SRC_1, second}, {DNNL_ARG_DST, to}});
  Give(fused, ValueOf(here.inputs[0]).dimensions, to);
}

}  // namespace ekya::models::internal
