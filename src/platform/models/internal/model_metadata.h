#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/safetensors.h"

namespace ekya::models::internal {

// What the files of classifiers and detectors say of their models in `__metadata__`. A file may
// say anything: each kInvalid names `file`, the key, what was found and what was expected.

/// The text under `key`; where there is none, `expected` is what the message asks for.
Result<std::string> ReadText(const TensorFile& content, const std::string& file,
                             const std::string& key, const std::string& expected);
/// The number under `key`, which is nothing but a number. T: int or double.
template <typename T>
Status ReadNumber(const TensorFile& content, const std::string& file, const std::string& key,
                  T* number);
/// The names under "ekya.classes", one a line, as StoreShape writes them.
Result<std::vector<std::string>> ReadClasses(const TensorFile& content, const std::string& file);

/// The metadata that every model has.
void StoreShape(double width, int input_size, const std::vector<std::string>& classes,
                TensorFile* content);

/// kInvalid where no model is that wide or has these classes: a network's size is bounded before
/// memory is taken for it, and names are lines of a file.
Status CheckWidthAndClasses(double width, const std::vector<std::string>& classes);

}  // namespace ekya::models::internal
