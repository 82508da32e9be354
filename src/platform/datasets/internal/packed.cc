#include "platform/datasets/internal/packed.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"

namespace ekya::datasets {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;
constexpr std::int64_t kMostPixelsASide = 16384;

template <typename T>
constexpr ElementType PackedType() {
  if constexpr (std::is_same_v<T, double>) return ElementType::kF64;
  if constexpr (std::is_same_v<T, std::int64_t>) return ElementType::kI64;
  return ElementType::kU8;
}

Error Refused(const std::string& file, const std::string& tensor, const std::string& text) {
  return {ErrorCode::kInvalid, fmt::format("{}: tensor '{}': {}", file, tensor, text)};
}

}  // namespace

Result<TensorFile> ReadTensors(const std::filesystem::path& path) {
  EKYA_ASSIGN(const std::string bytes, ReadFile(path, kMostBytes));
  return ParseSafetensors(bytes, path.string());
}

template <typename T>
void PackNumbers(const std::string& name, const std::vector<T>& numbers, TensorFile* file) {
  file->tensors[name] =
      StoreTensor(std::span<const T>(numbers), {static_cast<std::int64_t>(numbers.size())});
}

template <typename T>
Result<std::vector<T>> UnpackNumbers(const TensorFile& content, const std::string& file,
                                     const std::string& name, std::int64_t count) {
  EKYA_ASSIGN(const StoredTensor* tensor,
              FindTensor(content, file, name, PackedType<T>(), {count}));
  return NumbersOf<T>(*tensor);
}

template void PackNumbers(const std::string&, const std::vector<double>&, TensorFile*);
template void PackNumbers(const std::string&, const std::vector<std::int64_t>&, TensorFile*);
template Result<std::vector<double>> UnpackNumbers(const TensorFile&, const std::string&,
                                                   const std::string&, std::int64_t);
template Result<std::vector<std::int64_t>> UnpackNumbers(const TensorFile&, const std::string&,
                                                         const std::string&, std::int64_t);

void PackPictures(const std::vector<const Image*>& pictures, TensorFile* file) {
  std::vector<std::int64_t> sizes;
  std::string pixels;
  for (const Image* picture : pictures) {
    sizes.push_back(picture->width);
    sizes.push_back(picture->height);
    pixels.append(picture->pixels.begin(), picture->pixels.end());
  }
  file->tensors["sizes"] = StoreTensor(std::span<const std::int64_t>(sizes),
                                       {static_cast<std::int64_t>(pictures.size()), 2});
  const auto bytes = static_cast<std::int64_t>(pixels.size());
  file->tensors["pixels"] = {ElementType::kU8, {bytes}, std::move(pixels)};
}

Result<std::vector<Image>> UnpackPictures(const TensorFile& content, const std::string& file) {
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(content, file, "sizes", ElementType::kI64, {-1, 2}));
  EKYA_ASSIGN(const StoredTensor* pixels,
              FindTensor(content, file, "pixels", ElementType::kU8, {-1}));
  const auto sizes = NumbersOf<std::int64_t>(*stored);
  std::vector<Image> pictures;
  std::size_t offset = 0;
  for (std::size_t i = 0; 2 * i < sizes.size(); ++i) {
    const auto width = sizes[2 * i];
    const auto height = sizes[2 * i + 1];
    const bool possible =
        width > 0 && height > 0 && width <= kMostPixelsASide && height <= kMostPixelsASide;
    const auto needed = possible ? static_cast<std::size_t>(3 * width * height) : 0;
    if (!possible || needed > pixels->bytes.size() - offset) {
      return Refused(file, "sizes",
                     fmt::format("found {} x {} for sample {}, expected a picture within the {} "
                                 "bytes of pixels left",
                                 width, height, i, pixels->bytes.size() - offset));
    }
    const auto* first = reinterpret_cast<const std::uint8_t*>(pixels->bytes.data()) + offset;
    pictures.push_back(
        {static_cast<int>(width), static_cast<int>(height), {first, first + needed}});
    offset += needed;
  }
  if (offset != pixels->bytes.size()) {
    return Refused(file, "pixels",
                   fmt::format("found {} bytes, expected {}: what its samples take",
                               pixels->bytes.size(), offset));
  }
  return pictures;
}

void PackObjects(const std::string& name, const std::vector<const std::vector<Detection>*>& lists,
                 TensorFile* file) {
  std::vector<std::int64_t> counts;
  std::vector<double> boxes;
  std::vector<std::int64_t> classes;
  std::vector<double> scores;
  for (const auto* list : lists) {
    counts.push_back(static_cast<std::int64_t>(list->size()));
    for (const Detection& object : *list) {
      boxes.insert(boxes.end(), {object.box.x, object.box.y, object.box.width, object.box.height});
      classes.push_back(object.class_index);
      scores.push_back(object.score);
    }
  }
  PackNumbers(name + ".counts", counts, file);
  file->tensors[name + ".boxes"] =
      StoreTensor(std::span<const double>(boxes), {static_cast<std::int64_t>(classes.size()), 4});
  PackNumbers(name + ".classes", classes, file);
  PackNumbers(name + ".scores", scores, file);
}

Result<std::vector<std::vector<Detection>>> UnpackObjects(const TensorFile& content,
                                                          const std::string& file,
                                                          const std::string& name,
                                                          std::int64_t lists) {
  EKYA_ASSIGN(const auto counts,
              UnpackNumbers<std::int64_t>(content, file, name + ".counts", lists));
  EKYA_ASSIGN(const auto classes,
              UnpackNumbers<std::int64_t>(content, file, name + ".classes", -1));
  const auto total = static_cast<std::int64_t>(classes.size());
  EKYA_ASSIGN(const StoredTensor* stored,
              FindTensor(content, file, name + ".boxes", ElementType::kF64, {total, 4}));
  EKYA_ASSIGN(const auto scores, UnpackNumbers<double>(content, file, name + ".scores", total));
  const auto boxes = NumbersOf<double>(*stored);
  EKYA_ASSIGN(const auto starts, StartsOf(counts, classes.size(), file, name + ".counts"));
  std::vector<std::vector<Detection>> objects(counts.size());
  for (std::size_t list = 0; list < counts.size(); ++list) {
    for (std::size_t i = starts[list]; i < starts[list] + static_cast<std::size_t>(counts[list]);
         ++i) {
      if (classes[i] < 0 || classes[i] > 1'000'000) {
        return Refused(file, name + ".classes",
                       fmt::format("found {}, expected a class's index", classes[i]));
      }
      objects[list].push_back({{boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]},
                               static_cast<int>(classes[i]),
                               scores[i]});
    }
  }
  return objects;
}

Result<std::vector<std::size_t>> StartsOf(const std::vector<std::int64_t>& counts,
                                          std::size_t total, const std::string& file,
                                          const std::string& name) {
  std::vector<std::size_t> starts;
  std::size_t next = 0;
  for (const std::int64_t count : counts) {
    starts.push_back(next);
    if (count < 0 || static_cast<std::size_t>(count) > total - next) {
      return Refused(
          file, name,
          fmt::format("found {}, expected 0 to the {} that are left", count, total - next));
    }
    next += static_cast<std::size_t>(count);
  }
  if (next != total) {
    return Refused(file, name, fmt::format("found {} in all, expected {}", next, total));
  }
  return starts;
}

}  // namespace ekya::datasets
