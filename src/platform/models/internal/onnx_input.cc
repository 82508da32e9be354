#include "platform/models/internal/onnx_input.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

namespace ekya::models::internal {
namespace {

// Field numbers of onnx.proto.
constexpr int kModelGraph = 7;
constexpr int kGraphInitializer = 5;
constexpr int kGraphInput = 11;
constexpr int kTensorName = 8;
constexpr int kValueName = 1;
constexpr int kValueType = 2;
constexpr int kTypeTensor = 1;
constexpr int kTensorShape = 2;
constexpr int kShapeDimension = 1;
constexpr int kDimensionValue = 1;

/// One field of a protobuf message: a number, or bytes for what has a length.
struct Field {
  int number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

std::optional<std::uint64_t> TakeVarint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// Calls `use` for every field of `message`; false where it is damaged.
bool ForEachField(std::string_view message, const std::function<void(const Field&)>& use) {
  while (!message.empty()) {
    const auto key = TakeVarint(message);
    if (!key || *key >> 3 == 0 || *key >> 3 > 0x1fffffff) return false;
    Field field;
    field.number = static_cast<int>(*key >> 3);
    std::uint64_t length = 0;
    switch (*key & 7) {
      case 0: {
        const auto value = TakeVarint(message);
        if (!value) return false;
        field.value = *value;
        break;
      }
      case 1:
        length = 8;
        break;
      case 2: {
        const auto value = TakeVarint(message);
        if (!value) return false;
        length = *value;
        break;
      }
      case 5:
        length = 4;
        break;
      default:
        return false;
    }
    if (length > message.size()) return false;
    field.bytes = message.substr(0, length);
    message.remove_prefix(length);
    use(field);
  }
  return true;
}

/// The field `number` of `message` that has a length; empty where there is none.
std::string_view Find(std::string_view message, int number) {
  std::string_view found;
  ForEachField(message, [&](const Field& field) {
    if (field.number == number) found = field.bytes;
  });
  return found;
}

std::vector<std::int64_t> ShapeOf(std::string_view value_info) {
  const std::string_view type = Find(value_info, kValueType);
  const std::string_view shape = Find(Find(type, kTypeTensor), kTensorShape);
  std::vector<std::int64_t> dimensions;
  ForEachField(shape, [&](const Field& dimension) {
    if (dimension.number != kShapeDimension) return;
    std::int64_t size = -1;
    ForEachField(dimension.bytes, [&](const Field& field) {
      if (field.number == kDimensionValue && field.value > 0) {
        size = static_cast<std::int64_t>(field.value);
      }
    });
    dimensions.push_back(size);
  });
  return dimensions;
}

}  // namespace

Result<std::vector<std::int64_t>> OnnxInputShape(std::string_view content) {
  std::string_view graph;
  const bool whole = ForEachField(content, [&](const Field& field) {
    if (field.number == kModelGraph) graph = field.bytes;
  });
  if (!whole || graph.empty()) {
    return Error{ErrorCode::kInvalid,
                 whole ? "found no graph, expected an ONNX model" : "is cut off or no ONNX model"};
  }
  std::vector<std::string_view> stored;
  std::vector<std::string_view> inputs;
  const bool whole_graph = ForEachField(graph, [&](const Field& field) {
    if (field.number == kGraphInitializer) stored.push_back(Find(field.bytes, kTensorName));
    if (field.number == kGraphInput) inputs.push_back(field.bytes);
  });
  if (!whole_graph) return Error{ErrorCode::kInvalid, "its graph is damaged"};
  for (const std::string_view input : inputs) {
    const std::string_view name = Find(input, kValueName);
    if (std::find(stored.begin(), stored.end(), name) == stored.end()) return ShapeOf(input);
  }
  return Error{ErrorCode::kInvalid, "found no input, expected one picture"};
}

}  // namespace ekya::models::internal
