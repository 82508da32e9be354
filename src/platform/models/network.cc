#include "platform/models/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "platform/models/convolution.h"
#include "platform/models/torch_device.h"
#include "platform/models/torch_precision.h"

namespace ekya::models {
namespace {

namespace nn = torch::nn;
using torch::Tensor;
using Kind = Layer::Kind;

constexpr double kLeak = 0.1;
// Channels of the first convolution from which on channels lie last in memory.
constexpr int kWide = 24;

/// Registers `module` in `root` as the state dict calls it: "a.b.c" is c within b within a.
void Register(nn::Module& root, const std::string& name,
              const std::shared_ptr<nn::Module>& module) {
  nn::Module* parent = &root;
  std::string_view rest = name;
  for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    const std::string part(rest.substr(0, dot));
    rest.remove_prefix(dot + 1);
    const auto children = parent->named_children();
    const auto* found = children.find(part);
    parent = found != nullptr ? found->get()
                              : parent->register_module(part, std::make_shared<nn::Module>()).get();
  }
  parent->register_module(std::string(rest), module);
}

void InitialiseModule(nn::Module& module, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  if (auto* convolution = module.as<nn::Conv2d>()) {
    const auto& weight = convolution->weight;
    const double fan_out = static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3));
    convolution->weight.normal_(0, std::sqrt(2 / fan_out), std::move(generator));
    if (convolution->bias.defined()) convolution->bias.zero_();
  } else if (auto* linear = module.as<nn::Linear>()) {
    const double bound = 1 / std::sqrt(static_cast<double>(linear->weight.size(1)));
    linear->weight.uniform_(-bound, bound, generator);
    linear->bias.uniform_(-bound, bound, std::move(generator));
  }
}

Tensor Activate(Activation activation, Tensor input, bool in_place) {
  switch (activation) {
    case Activation::kLinear:
      return input;
    case Activation::kRelu:
      return in_place ? input.relu_() : input.relu();
    case Activation::kRelu6:
      // LibTorch 1.13 has no bfloat16 gradient of relu6; clamp's needs its input, so that it is
      // done in place only where no gradient is asked for.
      return in_place && !torch::GradMode::is_enabled() ? input.clamp_(0, 6) : input.clamp(0, 6);
    case Activation::kLeaky:
      return in_place ? torch::leaky_relu_(input, kLeak) : torch::leaky_relu(input, kLeak);
    case Activation::kSilu:
      return in_place && !torch::GradMode::is_enabled() ? torch::silu_(input) : torch::silu(input);
    case Activation::kSigmoid:
      return torch::sigmoid(input);
    case Activation::kMish:
      return torch::mish(input);
  }
  return input;
}

bool IsWide(const LayerGraph& graph) {
  return graph.layers().size() > 1 && graph.channels(1) >= kWide;
}

/// Each channel to its place in another group.
Tensor Shuffle(const Tensor& input, std::int64_t groups) {
  // LibTorch's own is quicker on a processor and keeps channels last, but has no gradient.
  if (!torch::GradMode::is_enabled() && input.is_cpu())
    return torch::channel_shuffle(input, groups);
  const auto sizes = input.sizes();
  return input.reshape({sizes[0], groups, sizes[1] / groups, sizes[2], sizes[3]})
      .transpose(1, 2)
      .reshape(sizes);
}

/// In the input's precision, whose weights are made of the layer's float32 ones each time: that
/// takes a hundredth of the convolution, and gives float32 gradients.
Tensor ConvolveNarrowly(const Layer& layer, const nn::Conv2dImpl& convolution,
                        const Tensor& input) {
  const auto type = input.scalar_type();
  const Tensor bias = convolution.bias.defined() ? convolution.bias.to(type) : Tensor();
  return at::conv2d(input, convolution.weight.to(type), bias, layer.stride, layer.padding, 1,
                    layer.groups);
}

Tensor MaxPool(const Layer& layer, Tensor input) {
  // torch pads all sides alike, and by half a kernel at most.
  if (layer.padding != layer.padding_after || layer.padding > layer.kernel / 2) {
    input = at::constant_pad_nd(
        input, {layer.padding, layer.padding_after, layer.padding, layer.padding_after},
        -std::numeric_limits<float>::infinity());
    return torch::max_pool2d(input, layer.kernel, layer.stride, 0);
  }
  return torch::max_pool2d(input, layer.kernel, layer.stride, layer.padding);
}

template <typename Number>
StoredTensor StoreAs(const Tensor& tensor) {
  const auto flat = tensor.detach().cpu().contiguous();
  const auto count = static_cast<std::size_t>(flat.numel());
  return StoreTensor(std::span<const Number>(flat.template data_ptr<Number>(), count),
                     flat.sizes().vec());
}

/// Each parameter and buffer of `network` under its state-dict name.
template <typename Visit>
void VisitTensors(const nn::Module& network, Visit visit) {
  for (const auto& item : network.named_parameters()) visit(item.key(), item.value());
  for (const auto& item : network.named_buffers()) visit(item.key(), item.value());
}

Status RestoreOne(const TensorFile& content, const std::string& file, const std::string& name,
                  Tensor target) {
  const bool whole = target.scalar_type() == torch::kLong;
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(content, file, name, whole ? ElementType::kI64 : ElementType::kF32,
                         target.sizes().vec()));
  // The target's memory may be in another order, or a device's: LibTorch copies.
  if (whole) {
    auto numbers = NumbersOf<std::int64_t>(*stored);
    target.copy_(torch::from_blob(numbers.data(), target.sizes(), torch::kLong));
    return {};
  }
  auto numbers = NumbersOf<float>(*stored);
  for (const float number : numbers) {
    if (!std::isfinite(number)) {
      return Error{ErrorCode::kInvalid, fmt::format("{}: tensor '{}': found {}, expected finite "
                                                    "weights",
                                                    file, name, number)};
    }
  }
  target.copy_(torch::from_blob(numbers.data(), target.sizes(), torch::kFloat));
  return {};
}

}  // namespace

nn::Module* Network::Step::module() {
  if (convolution) return convolution.get();
  if (norm) return norm.get();
  return linear ? linear.get() : nullptr;
}

Network::Network(LayerGraph graph) : graph_(std::move(graph)), steps_(graph_.layers().size()) {
  EKYA_CHECK(!graph_.outputs().empty());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Layer& layer = graph_.layers()[i];
    Step& step = steps_[i];
    const int in = layer.inputs.empty() ? 0 : graph_.channels(layer.inputs[0]);
    switch (layer.kind) {
      case Kind::kConvolution:
        step.convolution = nn::Conv2d(nn::Conv2dOptions(in, layer.channels, layer.kernel)
                                          .stride(layer.stride)
                                          .padding(layer.padding)
                                          .groups(layer.groups)
                                          .bias(layer.bias));
        // Gradients lie as their weights do, and the fastest where both lie as the pictures.
        if (IsWide(graph_)) {
          auto& weight = step.convolution->weight;
          weight.set_data(weight.contiguous(torch::MemoryFormat::ChannelsLast));
        }
        Register(*this, layer.name, step.convolution.ptr());
        break;
      case Kind::kBatchNorm:
        step.norm = nn::BatchNorm2d(nn::BatchNorm2dOptions(layer.channels).eps(layer.epsilon));
        Register(*this, layer.name, step.norm.ptr());
        break;
      case Kind::kLinear:
        step.linear = nn::Linear(in, layer.channels);
        Register(*this, layer.name, step.linear.ptr());
        break;
      default:
        break;
    }
  }
  PlanMemory();
  SetTrainedStages(0);
}

void Network::PlanMemory() {
  const auto& layers = graph_.layers();
  std::vector<int> uses(layers.size(), 0);
  std::vector<int> last_use(layers.size(), -1);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (const int input : layers[i].inputs) {
      ++uses[static_cast<std::size_t>(input)];
      last_use[static_cast<std::size_t>(input)] = static_cast<int>(i);
    }
  }
  for (const int output : graph_.outputs()) {
    ++uses[static_cast<std::size_t>(output)];
    last_use[static_cast<std::size_t>(output)] = -1;
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (last_use[i] >= 0) {
      steps_[static_cast<std::size_t>(last_use[i])].release.push_back(static_cast<int>(i));
    }
    if (layers[i].inputs.empty()) continue;
    const auto first = static_cast<std::size_t>(layers[i].inputs[0]);
    const Kind kind = layers[first].kind;
    // What these give is neither somebody else's memory nor kept for their gradient.
    const bool own = kind == Kind::kConvolution || kind == Kind::kBatchNorm || kind == Kind::kAdd ||
                     kind == Kind::kLinear;
    steps_[i].in_place = own && uses[first] == 1;
  }
}

Tensor Network::RunLayer(std::size_t index, const std::vector<Tensor>& values) {
  const Layer& layer = graph_.layers()[index];
  Step& step = steps_[index];
  const auto input = [&](std::size_t i) -> const Tensor& {
    return values[static_cast<std::size_t>(layer.inputs[i])];
  };
  switch (layer.kind) {
    case Kind::kInput:
      break;
    case Kind::kConvolution:
      return precision() == Precision::kFloat32
                 ? Convolve(step.convolution, input(0))
                 : ConvolveNarrowly(layer, *step.convolution, input(0));
    case Kind::kBatchNorm:
      return step.norm->forward(input(0));
    case Kind::kActivation:
      return Activate(layer.activation, input(0), step.in_place);
    case Kind::kMaxPool:
      return MaxPool(layer, input(0));
    case Kind::kUpsample:
      return torch::upsample_nearest2d(
          input(0), {input(0).size(2) * layer.stride, input(0).size(3) * layer.stride});
    case Kind::kAdd:
      if (step.in_place) {
        Tensor sum = input(0);
        return sum.add_(input(1));
      }
      return input(0) + input(1);
    case Kind::kMultiply:
      return input(0) * input(1);
    case Kind::kConcatenate: {
      std::vector<Tensor> all;
      for (std::size_t i = 0; i < layer.inputs.size(); ++i) all.push_back(input(i));
      return torch::cat(all, 1);
    }
    case Kind::kSlice:
      return input(0).narrow(1, layer.first_channel, layer.channels);
    case Kind::kShuffle:
      return Shuffle(input(0), layer.groups);
    case Kind::kGlobalAverage:
      return torch::adaptive_avg_pool2d(input(0), {1, 1});
    case Kind::kFlatten:
      return input(0).flatten(1);
    case Kind::kLinear:
      return step.linear->forward(input(0).to(torch::kFloat));
  }
  EKYA_CHECK(false, "a layer that is not computed");
  return {};
}

void Network::RunLayers(std::size_t begin, std::size_t end, std::vector<Tensor>* values) {
  for (std::size_t i = begin; i < end; ++i) {
    (*values)[i] = RunLayer(i, *values);
    for (const int done : steps_[i].release) (*values)[static_cast<std::size_t>(done)] = Tensor();
  }
}

std::size_t Network::FirstOf(int stage) const {
  const auto& layers = graph_.layers();
  const auto first = std::find_if(layers.begin() + 1, layers.end(),
                                  [&](const Layer& layer) { return layer.stage >= stage; });
  return static_cast<std::size_t>(first - layers.begin());
}

std::size_t Network::EntryOf(std::size_t layer) const {
  const auto& layers = graph_.layers();
  std::size_t entry = layer - 1;
  bool known = false;
  for (std::size_t i = layer; i < layers.size(); ++i) {
    for (const int input : layers[i].inputs) {
      const auto source = static_cast<std::size_t>(input);
      if (source >= layer) continue;
      EKYA_CHECK(!known || source == entry, "one layer alone may lead from stage to stage");
      entry = source;
      known = true;
    }
  }
  return entry;
}

std::vector<Tensor> Network::Run(Tensor images) {
  std::vector<Tensor> values(steps_.size());
  values[0] = Prepare(images);
  const std::size_t trained = FirstOf(frozen_);
  {
    const torch::NoGradGuard no_grad;
    RunLayers(1, trained, &values);
  }
  RunLayers(trained, steps_.size(), &values);
  std::vector<Tensor> outputs;
  for (const int output : graph_.outputs()) {
    outputs.push_back(values[static_cast<std::size_t>(output)].to(torch::kFloat));
  }
  return outputs;
}

Tensor Network::ForwardTo(int stage, Tensor images) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> values(steps_.size());
  values[0] = Prepare(images);
  const std::size_t first = FirstOf(stage);
  RunLayers(1, first, &values);
  return values[EntryOf(first)].to(torch::kFloat);
}

Tensor Network::ForwardFrom(int stage, Tensor features) {
  const std::size_t first = FirstOf(stage);
  if (first == steps_.size()) return features;
  std::vector<Tensor> values(steps_.size());
  values[EntryOf(first)] = Prepare(features);
  RunLayers(first, steps_.size(), &values);
  return values[static_cast<std::size_t>(graph_.outputs().front())].to(torch::kFloat);
}

void Network::SetTrainedStages(int trained) {
  EKYA_CHECK(trained >= 0 && trained <= stages());
  frozen_ = stages() - trained;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto* module = steps_[i].module();
    if (module == nullptr) continue;
    const bool learns = graph_.layers()[i].stage >= frozen_;
    module->train(learns);
    for (auto& parameter : module->parameters()) parameter.set_requires_grad(learns);
  }
}

Precision Network::precision() const {
  if (served_in_) return *served_in_;
  return frozen_ < stages() ? training_precision_ : Precision::kFloat32;
}

Tensor Network::Prepare(const Tensor& values) const {
  // First there and then narrow: what is pinned is copied without a stop.
  const Tensor typed = OnDevice(values, device_).to(ScalarTypeOf(precision()));
  // For narrow networks, whose convolutions are not oneDNN's, the other order is faster.
  const bool elsewhere = served_in_ && !device_.is_cpu();
  const bool channels_last =
      typed.dim() == 4 && (elsewhere || precision() == Precision::kBfloat16 || IsWide(graph_));
  return channels_last ? typed.contiguous(torch::MemoryFormat::ChannelsLast) : typed;
}

void Network::MoveTo(const torch::Device& device) {
  if (device == device_) return;
  EKYA_CHECK(!served_in_, "what serves alone stays where it is");
  const torch::Device before = std::exchange(device_, device);
  try {
    to(device);
  } catch (...) {
    // Some of it may be there already.
    device_ = before;
    to(before);
    throw;
  }
}

void Network::ServeAlone(Precision precision) {
  const torch::NoGradGuard no_grad;
  SetTrainedStages(0);
  served_in_ = precision;
  const auto type = ScalarTypeOf(precision);
  for (Step& step : steps_) {
    if (!step.convolution) continue;
    for (auto& parameter : step.convolution->parameters()) {
      parameter.set_data(parameter.to(type));
    }
  }
}

void Network::Initialise(at::Generator generator, int from_stage) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto* module = steps_[i].module();
    if (module != nullptr && graph_.layers()[i].stage >= from_stage) {
      InitialiseModule(*module, generator);
    }
  }
}

void Network::CopyFrom(Network& other, int to_stage) {
  EKYA_CHECK(other.steps_.size() >= steps_.size() || to_stage < stages());
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto* module = steps_[i].module();
    if (module == nullptr || graph_.layers()[i].stage >= to_stage) continue;
    auto* source = other.steps_[i].module();
    EKYA_CHECK(source != nullptr && other.graph_.layers()[i].name == graph_.layers()[i].name);
    auto parameters = module->named_parameters();
    for (const auto& item : source->named_parameters()) {
      parameters[item.key()].copy_(item.value());
    }
    auto buffers = module->named_buffers();
    for (const auto& item : source->named_buffers()) buffers[item.key()].copy_(item.value());
  }
}

void Network::CopyGrown(Network& other) {
  const torch::NoGradGuard no_grad;
  CopyFrom(other, stages() - 1);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto* module = steps_[i].module();
    if (module == nullptr || graph_.layers()[i].stage < stages() - 1) continue;
    auto parameters = module->named_parameters();
    for (const auto& item : other.steps_[i].module()->named_parameters()) {
      const Tensor& known = item.value();
      Tensor& grown = parameters[item.key()];
      EKYA_CHECK(grown.size(0) >= known.size(0));
      grown.fill_(grown.dim() == 1 ? known.min().item<double>() : 0.0);
      grown.narrow(0, 0, known.size(0)).copy_(known);
    }
    auto buffers = module->named_buffers();
    for (const auto& item : other.steps_[i].module()->named_buffers()) {
      buffers[item.key()].copy_(item.value());
    }
  }
}

std::map<std::string, StoredTensor> Network::Store() const {
  std::map<std::string, StoredTensor> tensors;
  VisitTensors(*this, [&](const std::string& name, const Tensor& tensor) {
    tensors[name] = tensor.scalar_type() == torch::kLong ? StoreAs<std::int64_t>(tensor)
                                                         : StoreAs<float>(tensor);
  });
  return tensors;
}

Status Network::Restore(const TensorFile& content, const std::string& file) {
  const torch::NoGradGuard no_grad;
  Status status;
  std::size_t known = 0;
  VisitTensors(*this, [&](const std::string& name, const Tensor& tensor) {
    known += content.tensors.contains(name) ? 1 : 0;
    if (status.ok()) status = RestoreOne(content, file, name, tensor);
  });
  EKYA_RETURN_IF_ERROR(status);
  if (known == content.tensors.size()) return {};
  std::map<std::string, bool> own;
  VisitTensors(*this, [&](const std::string& name, const Tensor&) { own[name] = true; });
  for (const auto& [name, tensor] : content.tensors) {
    if (own.contains(name)) continue;
    return Error{ErrorCode::kInvalid,
                 fmt::format("{}: tensor '{}': found, expected only the {} tensors of the network",
                             file, name.substr(0, 80), known)};
  }
  return {};
}

nn::Conv2dImpl* Network::convolution(int layer) {
  auto& step = steps_.at(static_cast<std::size_t>(layer));
  return step.convolution ? step.convolution.get() : nullptr;
}

nn::BatchNorm2dImpl* Network::norm(int layer) {
  auto& step = steps_.at(static_cast<std::size_t>(layer));
  return step.norm ? step.norm.get() : nullptr;
}

}  // namespace ekya::models
