#include "platform/models/onnx_export.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "platform/models/folded_network.h"

namespace ekya::models {
namespace {

using Kind = Layer::Kind;

constexpr float kLeak = 0.1F;

/// A message of the protocol buffers encoding, field by field; the numbers are those of onnx.proto.
class Message {
 public:
  Message& Varint(int field, std::int64_t value) {
    Tag(field, 0);
    Raw(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& Float(int field, float value) {
    Tag(field, 5);
    char bytes[sizeof(value)];
    std::memcpy(bytes, &value, sizeof(value));
    content_.append(bytes, sizeof(bytes));
    return *this;
  }
  Message& Bytes(int field, std::string_view bytes) {
    Tag(field, 2);
    Raw(bytes.size());
    content_ += bytes;
    return *this;
  }
  Message& Add(int field, const Message& message) { return Bytes(field, message.content_); }
  const std::string& content() const { return content_; }

 private:
  void Tag(int field, int type) { Raw(static_cast<std::uint64_t>(field << 3 | type)); }
  void Raw(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) content_ += static_cast<char>(value | 0x80);
    content_ += static_cast<char>(value);
  }

  std::string content_;
};

Message IntAttribute(const std::string& name, std::int64_t value) {
  return Message().Bytes(1, name).Varint(3, value).Varint(20, 2);
}

Message FloatAttribute(const std::string& name, float value) {
  return Message().Bytes(1, name).Float(2, value).Varint(20, 1);
}

Message TextAttribute(const std::string& name, const std::string& value) {
  return Message().Bytes(1, name).Bytes(4, value).Varint(20, 3);
}

Message IntsAttribute(const std::string& name, const std::vector<std::int64_t>& values) {
  Message message;
  message.Bytes(1, name);
  for (const auto value : values) message.Varint(8, value);
  return message.Varint(20, 7);
}

/// A tensor's name, element type and dimensions ("" or a symbol where `dimensions` is negative).
Message ValueInfo(const std::string& name, const std::vector<std::string>& dimensions) {
  Message shape;
  for (const auto& dimension : dimensions) {
    const bool number = dimension.find_first_not_of("0123456789") == std::string::npos;
    Message each;
    if (number) {
      each.Varint(1, std::stoll(dimension));
    } else {
      each.Bytes(2, dimension);
    }
    shape.Add(1, each);
  }
  return Message().Bytes(1, name).Add(2, Message().Add(1, Message().Varint(1, 1).Add(2, shape)));
}

class Exporter {
 public:
  Exporter(const LayerGraph& graph, const std::map<std::string, StoredTensor>& weights)
      : graph_(graph), weights_(weights), results_(graph.layers().size()) {}

  std::string Export() {
    results_[0] = "pictures";
    for (std::size_t i = 1; i < graph_.layers().size(); ++i) AddLayer(i);
    graph_message_.Bytes(2, "ekya");
    graph_message_.Add(11, ValueInfo("pictures", {"batch", "3", "height", "width"}));
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const auto output = static_cast<std::size_t>(graph_.outputs()[i]);
      const std::string name = fmt::format("output{}", i);
      AddNode("Identity", {results_[output]}, name, {});
      const Layer& layer = graph_.layers()[output];
      const std::string channels = std::to_string(layer.channels);
      // Sizes are named apart, since each output has its own.
      graph_message_.Add(12, layer.kind == Kind::kLinear
                                 ? ValueInfo(name, {"batch", channels})
                                 : ValueInfo(name, {"batch", channels, fmt::format("height{}", i),
                                                    fmt::format("width{}", i)}));
    }
    constexpr int kIrVersion = 7;
    constexpr int kOpset = 13;
    return Message()
        .Varint(1, kIrVersion)
        .Bytes(2, "ekya")
        .Add(7, graph_message_)
        .Add(8, Message().Bytes(1, "").Varint(2, kOpset))
        .content();
  }

 private:
  const Layer& layer(int index) const { return graph_.layers()[static_cast<std::size_t>(index)]; }

  std::vector<float> Weights(const std::string& name) const {
    const auto found = weights_.find(name);
    EKYA_CHECK(found != weights_.end(), name);
    return NumbersOf<float>(found->second);
  }

  void AddNode(const std::string& type, const std::vector<std::string>& inputs,
               const std::string& output, const std::vector<Message>& attributes) {
    Message node;
    for (const auto& input : inputs) node.Bytes(1, input);
    node.Bytes(2, output).Bytes(3, type + "_" + output).Bytes(4, type);
    for (const auto& attribute : attributes) node.Add(5, attribute);
    graph_message_.Add(1, node);
  }

  template <typename Number>
  std::string AddTensor(const std::string& name, const std::vector<std::int64_t>& shape,
                        const std::vector<Number>& numbers) {
    Message tensor;
    for (const auto size : shape) tensor.Varint(1, size);
    tensor.Varint(2, std::is_same_v<Number, float> ? 1 : 7).Bytes(8, name);
    tensor.Bytes(9,
                 {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)});
    graph_message_.Add(5, tensor);
    return name;
  }

  std::string AddNumbers(const std::string& name, const std::vector<std::int64_t>& numbers) {
    return AddTensor(name, {static_cast<std::int64_t>(numbers.size())}, numbers);
  }

  void AddConvolution(std::size_t index) {
    const Layer& here = graph_.layers()[index];
    const std::int64_t in = layer(here.inputs[0]).channels / here.groups;
    const std::int64_t kernel = here.kernel;
    const std::string weight = here.name + ".weight";
    std::vector<std::string> inputs = {
        Input(index, 0), AddTensor(weight, {here.channels, in, kernel, kernel}, Weights(weight))};
    if (here.bias) {
      const std::string bias = here.name + ".bias";
      inputs.push_back(AddTensor(bias, {here.channels}, Weights(bias)));
    }
    const std::int64_t padding = here.padding;
    AddNode("Conv", inputs, results_[index],
            {IntsAttribute("kernel_shape", {kernel, kernel}),
             IntsAttribute("strides", {here.stride, here.stride}),
             IntsAttribute("pads", {padding, padding, padding, padding}),
             IntAttribute("group", here.groups)});
  }

  void AddActivation(std::size_t index) {
    const std::string in = Input(index, 0);
    const std::string& out = results_[index];
    switch (graph_.layers()[index].activation) {
      case Activation::kLinear:
        return AddNode("Identity", {in}, out, {});
      case Activation::kRelu:
        return AddNode("Relu", {in}, out, {});
      case Activation::kRelu6:
        return AddNode("Clip",
                       {in, AddTensor<float>(out + "_low", {}, {0.0F}),
                        AddTensor<float>(out + "_high", {}, {6.0F})},
                       out, {});
      case Activation::kLeaky:
        return AddNode("LeakyRelu", {in}, out, {FloatAttribute("alpha", kLeak)});
      case Activation::kSilu:
        AddNode("Sigmoid", {in}, out + "_sigmoid", {});
        return AddNode("Mul", {in, out + "_sigmoid"}, out, {});
      case Activation::kSigmoid:
        return AddNode("Sigmoid", {in}, out, {});
      case Activation::kMish:
        AddNode("Softplus", {in}, out + "_softplus", {});
        AddNode("Tanh", {out + "_softplus"}, out + "_tanh", {});
        return AddNode("Mul", {in, out + "_tanh"}, out, {});
    }
  }

  void AddShuffle(std::size_t index) {
    const Layer& here = graph_.layers()[index];
    const std::int64_t each = here.channels / here.groups;
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < each; ++i) {
      for (std::int64_t group = 0; group < here.groups; ++group) order.push_back(group * each + i);
    }
    // A choice of channels works for pictures of any size, which reshaping does not.
    AddNode("Gather", {Input(index, 0), AddNumbers(results_[index] + "_order", order)},
            results_[index], {IntAttribute("axis", 1)});
  }

  void AddLayer(std::size_t index) {
    const Layer& here = graph_.layers()[index];
    results_[index] = fmt::format("layer{}", index);
    const std::string& out = results_[index];
    switch (here.kind) {
      case Kind::kInput:
        return;
      case Kind::kConvolution:
        return AddConvolution(index);
      case Kind::kBatchNorm:
        EKYA_CHECK(false, here.name);  // folded
        return;
      case Kind::kActivation:
        return AddActivation(index);
      case Kind::kMaxPool: {
        const std::int64_t before = here.padding;
        const std::int64_t after = here.padding_after;
        return AddNode("MaxPool", {Input(index, 0)}, out,
                       {IntsAttribute("kernel_shape", {here.kernel, here.kernel}),
                        IntsAttribute("strides", {here.stride, here.stride}),
                        IntsAttribute("pads", {before, before, after, after})});
      }
      case Kind::kUpsample: {
        const auto factor = static_cast<float>(here.stride);
        const std::string scales = AddTensor<float>(out + "_scales", {4}, {1, 1, factor, factor});
        return AddNode("Resize", {Input(index, 0), "", scales}, out,
                       {TextAttribute("mode", "nearest"),
                        TextAttribute("coordinate_transformation_mode", "asymmetric"),
                        TextAttribute("nearest_mode", "floor")});
      }
      case Kind::kAdd:
        return AddNode("Add", {Input(index, 0), Input(index, 1)}, out, {});
      case Kind::kMultiply:
        return AddNode("Mul", {Input(index, 0), Input(index, 1)}, out, {});
      case Kind::kConcatenate: {
        std::vector<std::string> inputs;
        for (std::size_t i = 0; i < here.inputs.size(); ++i) inputs.push_back(Input(index, i));
        return AddNode("Concat", inputs, out, {IntAttribute("axis", 1)});
      }
      case Kind::kSlice:
        return AddNode("Slice",
                       {Input(index, 0), AddNumbers(out + "_begin", {here.first_channel}),
                        AddNumbers(out + "_end", {here.first_channel + here.channels}),
                        AddNumbers(out + "_axis", {1})},
                       out, {});
      case Kind::kShuffle:
        return AddShuffle(index);
      case Kind::kGlobalAverage:
        return AddNode("GlobalAveragePool", {Input(index, 0)}, out, {});
      case Kind::kFlatten:
        return AddNode("Flatten", {Input(index, 0)}, out, {IntAttribute("axis", 1)});
      case Kind::kLinear: {
        const std::int64_t in = layer(here.inputs[0]).channels;
        return AddNode(
            "Gemm",
            {Input(index, 0),
             AddTensor(here.name + ".weight", {here.channels, in}, Weights(here.name + ".weight")),
             AddTensor(here.name + ".bias", {here.channels}, Weights(here.name + ".bias"))},
            out, {IntAttribute("transB", 1)});
      }
    }
  }

  std::string Input(std::size_t index, std::size_t which) const {
    return results_[static_cast<std::size_t>(graph_.layers()[index].inputs[which])];
  }

  const LayerGraph& graph_;
  const std::map<std::string, StoredTensor>& weights_;
  std::vector<std::string> results_;  // the name of each layer's result
  Message graph_message_;
};

}  // namespace

std::string ExportOnnx(const LayerGraph& graph,
                       const std::map<std::string, StoredTensor>& weights) {
  const FoldedNetwork folded = FoldNorms(graph, weights);
  return Exporter(folded.graph, folded.weights).Export();
}

}  // namespace ekya::models
