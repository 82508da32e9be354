#include "core/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/document.h"

namespace ekya {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxHeaderBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxDimensions = 16;
constexpr double kLargestExact = 9007199254740992.0;  // 2^53: up to here a double is an integer

Error Invalid(const std::string& file, const std::string& text) {
  return {ErrorCode::kInvalid, file + ": " + text};
}

/// A name as it may stand in a message: short, printable.
std::string Quoted(const std::string& name) {
  std::string text;
  for (const char c : name.substr(0, 80)) {
    text += (c >= ' ' && c <= '~') ? c : '?';
  }
  return fmt::format("'{}{}'", text, name.size() > 80 ? "..." : "");
}

std::string Describe(ElementType type, const std::vector<std::int64_t>& shape) {
  std::string sizes;
  for (const auto size : shape) {
    sizes += sizes.empty() ? "" : ", ";
    sizes += size < 0 ? "any" : std::to_string(size);
  }
  return fmt::format("{} [{}]", Name(type), sizes);
}

std::optional<ElementType> TypeNamed(const std::string& name) {
  for (const auto type :
       {ElementType::kU8, ElementType::kI64, ElementType::kF32, ElementType::kF64}) {
    if (name == Name(type)) return type;
  }
  return std::nullopt;
}

/// A header number that counts something.
std::optional<std::uint64_t> AsCount(const Node& node) {
  if (node.kind != Node::Kind::kNumber || node.number < 0 || node.number > kLargestExact ||
      node.number != std::floor(node.number)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(node.number);
}

/// The bytes that `type` and `shape` need; absent where the product does not fit.
std::optional<std::uint64_t> BytesNeeded(ElementType type, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = BytesOf(type);
  for (const auto size : shape) {
    if (size != 0 &&
        bytes > std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(size)) {
      return std::nullopt;
    }
    bytes *= static_cast<std::uint64_t>(size);
  }
  return bytes;
}

struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

/// Reads a header's entry for one tensor, all but its bytes.
Result<Extent> ReadEntry(const Node& node, const std::string& file, const std::string& name,
                         std::uint64_t data_bytes, StoredTensor* tensor) {
  const auto fail = [&](const std::string& found, const std::string& expected) {
    return Invalid(file,
                   fmt::format("tensor {}: found {}, expected {}", Quoted(name), found, expected));
  };
  if (node.kind != Node::Kind::kMap) return fail(Describe(node), "dtype, shape and data_offsets");
  const Node* dtype = nullptr;
  const Node* shape = nullptr;
  const Node* offsets = nullptr;
  for (const auto& [key, value] : node.members) {
    if (key == "dtype") {
      dtype = &value;
    } else if (key == "shape") {
      shape = &value;
    } else if (key == "data_offsets") {
      offsets = &value;
    } else {
      return fail("the key " + Quoted(key), "only dtype, shape and data_offsets");
    }
  }
  if (!dtype || dtype->kind != Node::Kind::kString) {
    return fail(dtype ? Describe(*dtype) : "no dtype", "dtype F32, F64, I64 or U8");
  }
  const auto type = TypeNamed(dtype->text);
  if (!type) return fail("dtype " + Quoted(dtype->text), "F32, F64, I64 or U8");
  tensor->type = *type;

  if (!shape || shape->kind != Node::Kind::kList || shape->items.size() > kMaxDimensions) {
    return fail(shape ? "the shape " + Describe(*shape) : "no shape",
                fmt::format("a list of at most {} sizes", kMaxDimensions));
  }
  for (const auto& item : shape->items) {
    const auto size = AsCount(item);
    if (!size) return fail("the size " + Describe(item), "a whole number from 0");
    tensor->shape.push_back(static_cast<std::int64_t>(*size));
  }

  if (!offsets || offsets->kind != Node::Kind::kList || offsets->items.size() != 2) {
    return fail(offsets ? "data_offsets " + Describe(*offsets) : "no data_offsets",
                "a list of begin and end");
  }
  const auto begin = AsCount(offsets->items[0]);
  const auto end = AsCount(offsets->items[1]);
  if (!begin || !end || *begin > *end || *end > data_bytes) {
    return fail(
        fmt::format("data_offsets [{}, {}]", offsets->items[0].text, offsets->items[1].text),
        fmt::format("0 <= begin <= end <= {}, the bytes of data in the file", data_bytes));
  }
  const auto needed = BytesNeeded(tensor->type, tensor->shape);
  if (!needed || *needed != *end - *begin) {
    return fail(fmt::format("{} bytes", *end - *begin),
                fmt::format("{} for {}", needed ? std::to_string(*needed) : "more than exist",
                            Describe(tensor->type, tensor->shape)));
  }
  return Extent{*begin, *end, name};
}

void AppendQuoted(std::string* out, const std::string& text) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      *out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

template <typename T>
constexpr ElementType TypeOf() {
  if constexpr (std::is_same_v<T, float>) {
    return ElementType::kF32;
  } else if constexpr (std::is_same_v<T, double>) {
    return ElementType::kF64;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return ElementType::kI64;
  } else {
    static_assert(std::is_same_v<T, std::uint8_t>);
    return ElementType::kU8;
  }
}

}  // namespace

const char* Name(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return "U8";
    case ElementType::kI64:
      return "I64";
    case ElementType::kF32:
      return "F32";
    case ElementType::kF64:
      return "F64";
  }
  return "?";
}

std::size_t BytesOf(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return 1;
    case ElementType::kI64:
    case ElementType::kF64:
      return 8;
    case ElementType::kF32:
      return 4;
  }
  return 0;
}

Result<TensorFile> ParseSafetensors(std::string_view content, const std::string& file) {
  if (content.size() < kLengthBytes) {
    return Invalid(file,
                   fmt::format("found {} bytes, expected a safetensors file (8 bytes of header "
                               "length, a header, data)",
                               content.size()));
  }
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, content.data(), kLengthBytes);
  const auto rest = content.substr(kLengthBytes);
  if (header_bytes > rest.size() || header_bytes > kMaxHeaderBytes) {
    return Invalid(file,
                   fmt::format("the header says {} bytes, expected at most the {} that follow "
                               "(a truncated file, or no safetensors file)",
                               header_bytes, std::min(rest.size(), kMaxHeaderBytes)));
  }
  const auto header_text = rest.substr(0, header_bytes);
  const auto data = rest.substr(header_bytes);
  if (header_text.empty() || header_text.front() != '{') {
    return Invalid(file, "the header does not start with '{', expected a safetensors file");
  }
  EKYA_ASSIGN(const Node header, ParseJson(header_text, file + ": header"));
  if (header.kind != Node::Kind::kMap) {
    return Invalid(file, "the header is " + Describe(header) + ", expected a map of tensors");
  }

  TensorFile result;
  std::vector<Extent> extents;
  for (const auto& [name, node] : header.members) {
    if (name == "__metadata__") {
      if (node.kind != Node::Kind::kMap) {
        return Invalid(file,
                       "__metadata__: found " + Describe(node) + ", expected a map of strings");
      }
      for (const auto& [key, value] : node.members) {
        if (value.kind != Node::Kind::kString) {
          return Invalid(file, fmt::format("__metadata__ {}: found {}, expected a string",
                                           Quoted(key), Describe(value)));
        }
        result.metadata[key] = value.text;
      }
      continue;
    }
    StoredTensor tensor;
    EKYA_ASSIGN(Extent extent, ReadEntry(node, file, name, data.size(), &tensor));
    extents.push_back(std::move(extent));
    result.tensors.emplace(name, std::move(tensor));
  }

  // Each byte belongs to one tensor: then the tensors cannot take more memory than the file.
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t next = 0;
  for (const auto& extent : extents) {
    if (extent.begin != next) {
      return Invalid(file, fmt::format("tensor {}: its data starts at {}, expected {}: no overlap "
                                       "and no hole",
                                       Quoted(extent.name), extent.begin, next));
    }
    next = extent.end;
    result.tensors[extent.name].bytes = data.substr(extent.begin, extent.end - extent.begin);
  }
  if (next != data.size()) {
    return Invalid(file, fmt::format("{} bytes of data, expected {}: what its tensors take",
                                     data.size(), next));
  }
  return result;
}

std::string FormatSafetensors(const TensorFile& file) {
  std::vector<const std::pair<const std::string, StoredTensor>*> order;
  for (const auto& entry : file.tensors) {
    const auto& [name, tensor] = entry;
    EKYA_CHECK(BytesNeeded(tensor.type, tensor.shape) == tensor.bytes.size(), name);
    order.push_back(&entry);
  }
  // By falling element size, so that every tensor is aligned for its type.
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return BytesOf(a->second.type) > BytesOf(b->second.type);
  });

  std::string header = "{";
  if (!file.metadata.empty()) {
    header += "\"__metadata__\":{";
    bool first = true;
    for (const auto& [key, value] : file.metadata) {
      if (!std::exchange(first, false)) header += ',';
      AppendQuoted(&header, key);
      header += ':';
      AppendQuoted(&header, value);
    }
    header += '}';
  }
  std::uint64_t offset = 0;
  for (const auto* entry : order) {
    const auto& [name, tensor] = *entry;
    if (header.size() > 1) header += ',';
    AppendQuoted(&header, name);
    header +=
        fmt::format(R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", Name(tensor.type),
                    fmt::join(tensor.shape, ","), offset, offset + tensor.bytes.size());
    offset += tensor.bytes.size();
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');

  const std::uint64_t header_bytes = header.size();
  std::string content(kLengthBytes, '\0');
  std::memcpy(content.data(), &header_bytes, kLengthBytes);
  content.reserve(kLengthBytes + header.size() + offset);
  content += header;
  for (const auto* entry : order) content += entry->second.bytes;
  return content;
}

Result<const StoredTensor*> FindTensor(const TensorFile& content, const std::string& file,
                                       const std::string& name, ElementType type,
                                       const std::vector<std::int64_t>& shape) {
  const auto it = content.tensors.find(name);
  if (it == content.tensors.end()) {
    return Invalid(file, fmt::format("tensor {}: not found, expected {}", Quoted(name),
                                     Describe(type, shape)));
  }
  const auto& tensor = it->second;
  const bool fits =
      tensor.type == type &&
      std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end(),
                 [](auto found, auto wanted) { return wanted < 0 || found == wanted; });
  if (!fits) {
    return Invalid(file, fmt::format("tensor {}: found {}, expected {}", Quoted(name),
                                     Describe(tensor.type, tensor.shape), Describe(type, shape)));
  }
  return &tensor;
}

template <typename T>
StoredTensor StoreTensor(std::span<const T> numbers, std::vector<std::int64_t> shape) {
  StoredTensor tensor{TypeOf<T>(), std::move(shape), {}};
  tensor.bytes.assign(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
  EKYA_CHECK(BytesNeeded(tensor.type, tensor.shape) == tensor.bytes.size());
  return tensor;
}

template <typename T>
std::vector<T> NumbersOf(const StoredTensor& tensor) {
  EKYA_CHECK(tensor.type == TypeOf<T>());
  std::vector<T> numbers(tensor.bytes.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
  return numbers;
}

template StoredTensor StoreTensor(std::span<const float>, std::vector<std::int64_t>);
template StoredTensor StoreTensor(std::span<const double>, std::vector<std::int64_t>);
template StoredTensor StoreTensor(std::span<const std::int64_t>, std::vector<std::int64_t>);
template StoredTensor StoreTensor(std::span<const std::uint8_t>, std::vector<std::int64_t>);
template std::vector<float> NumbersOf(const StoredTensor&);
template std::vector<double> NumbersOf(const StoredTensor&);
template std::vector<std::int64_t> NumbersOf(const StoredTensor&);
template std::vector<std::uint8_t> NumbersOf(const StoredTensor&);

}  // namespace ekya
