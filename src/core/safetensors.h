#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya {

enum class ElementType { kU8, kI64, kF32, kF64 };

/// "U8", "I64", "F32", "F64": as the file spells it.
const char* Name(ElementType type);
std::size_t BytesOf(ElementType type);

/// One named array of a safetensors file: row-major, little-endian.
struct StoredTensor {
  ElementType type = ElementType::kF32;
  std::vector<std::int64_t> shape;  ///< Empty: a single number. No dimension is negative.
  std::string bytes;                ///< The product of `shape` times BytesOf(type).
};

/// The content of a safetensors file: weights or samples, and what is said of them. Never code.
struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

/// Reads the whole of a safetensors file from `content`; `file` is only its name in messages.
/// Strict: every header byte is accounted for, no overlap, no hole, no duplicate, no tensor behind
/// the end, and never more memory than a small multiple of `content`. kInvalid names file, tensor,
/// found and expected.
Result<TensorFile> ParseSafetensors(std::string_view content, const std::string& file);

/// The file's bytes: tensors by falling element size, then by name; data aligned to 8 bytes. Same
/// content, same bytes. A tensor whose bytes do not fit its shape is a bug of the caller.
std::string FormatSafetensors(const TensorFile& file);

/// The tensor `name` of `content`, of just this type and shape (-1: any size in this dimension).
/// kInvalid names `file`, the tensor, what was found and what was expected.
Result<const StoredTensor*> FindTensor(const TensorFile& content, const std::string& file,
                                       const std::string& name, ElementType type,
                                       const std::vector<std::int64_t>& shape);

/// A tensor of numbers of the type that T stands for.
template <typename T>
StoredTensor StoreTensor(std::span<const T> numbers, std::vector<std::int64_t> shape);

/// The numbers of `tensor`, whose type is T's (else a bug).
template <typename T>
std::vector<T> NumbersOf(const StoredTensor& tensor);

}  // namespace ekya
