#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/frame.h"
#include "core/safetensors.h"

/// Pictures and the objects in them as tensors of a safetensors file: what samples, pictures and
/// frames on their way from one process to another are kept in.
namespace ekya::datasets {

/// Reads `path` as safetensors of up to 4 GiB.
Result<TensorFile> ReadTensors(const std::filesystem::path& path);

/// One tensor of plain numbers, of one dimension.
template <typename T>
void PackNumbers(const std::string& name, const std::vector<T>& numbers, TensorFile* file);
/// `count`: as many are expected; -1: any number.
template <typename T>
Result<std::vector<T>> UnpackNumbers(const TensorFile& content, const std::string& file,
                                     const std::string& name, std::int64_t count);

/// `sizes` [N, 2] (width, height) and `pixels`, of all pictures one after the other.
void PackPictures(const std::vector<const Image*>& pictures, TensorFile* file);
Result<std::vector<Image>> UnpackPictures(const TensorFile& content, const std::string& file);

/// Lists of objects, one list per picture: `<name>.counts` [N], `<name>.boxes` [M, 4], `.classes`
/// [M], `.scores` [M].
void PackObjects(const std::string& name, const std::vector<const std::vector<Detection>*>& lists,
                 TensorFile* file);
Result<std::vector<std::vector<Detection>>> UnpackObjects(const TensorFile& content,
                                                          const std::string& file,
                                                          const std::string& name,
                                                          std::int64_t lists);

/// Cuts `counts.size()` stretches out of `total` things; kInvalid where the counts do not add up.
Result<std::vector<std::size_t>> StartsOf(const std::vector<std::int64_t>& counts,
                                          std::size_t total, const std::string& file,
                                          const std::string& name);

}  // namespace ekya::datasets
