#include "platform/datasets/exemplar_memory.h"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "base/file.h"
#include "core/safetensors.h"

namespace ekya::datasets {
namespace {

constexpr int kMostClasses = 4096;
constexpr std::int64_t kMostSide = 16384;

}  // namespace

ExemplarMemory::ExemplarMemory(int per_class, std::uint64_t seed)
    : per_class_(per_class), random_(seed) {
  EKYA_CHECK(per_class >= 0);
}

void ExemplarMemory::Add(const std::vector<Sample>& samples) {
  for (const auto& sample : samples) {
    EKYA_CHECK(sample.label >= 0 && sample.label < kMostClasses);
    const auto label = static_cast<std::size_t>(sample.label);
    if (classes_.size() <= label) classes_.resize(label + 1);
    auto& memory = classes_[label];
    // Vitter's algorithm R: every sample ever seen is kept with the same probability.
    ++memory.seen;
    if (memory.kept.size() < static_cast<std::size_t>(per_class_)) {
      memory.kept.push_back(sample);
      continue;
    }
    const auto place = random_.Below(static_cast<std::size_t>(memory.seen));
    if (place < memory.kept.size()) memory.kept[place] = sample;
  }
}

std::vector<Sample> ExemplarMemory::Samples() const {
  std::vector<Sample> samples;
  for (const auto& memory : classes_) {
    samples.insert(samples.end(), memory.kept.begin(), memory.kept.end());
  }
  return samples;
}

Status ExemplarMemory::Save(const std::filesystem::path& path) const {
  // Samples have sizes of their own, so their pixels stand one after the other.
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> seen;
  for (const auto& memory : classes_) seen.push_back(memory.seen);
  for (const auto& sample : Samples()) {
    pixels.insert(pixels.end(), sample.image.pixels.begin(), sample.image.pixels.end());
    sizes.push_back(sample.image.width);
    sizes.push_back(sample.image.height);
    labels.push_back(sample.label);
    times.push_back(std::llround(1e6 * sample.time_seconds));
  }
  const auto count = static_cast<std::int64_t>(labels.size());
  TensorFile content;
  content.metadata["ekya.content"] = "exemplars";
  content.tensors["pixels"] = StoreTensor(std::span<const std::uint8_t>(pixels),
                                          {static_cast<std::int64_t>(pixels.size())});
  content.tensors["sizes"] = StoreTensor(std::span<const std::int64_t>(sizes), {count, 2});
  content.tensors["labels"] = StoreTensor(std::span<const std::int64_t>(labels), {count});
  content.tensors["times"] = StoreTensor(std::span<const std::int64_t>(times), {count});
  content.tensors["seen"] =
      StoreTensor(std::span<const std::int64_t>(seen), {static_cast<std::int64_t>(seen.size())});
  return WriteFileAtomically(path, FormatSafetensors(content));
}

Status ExemplarMemory::Load(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto refuse = [&](const std::string& tensor, const std::string& text) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: tensor '{}': {}", file, tensor, text)};
  };
  EKYA_ASSIGN(const std::string bytes, ReadFile(path, std::uint64_t{4} << 30));
  EKYA_ASSIGN(const TensorFile content, ParseSafetensors(bytes, file));
  EKYA_ASSIGN(const StoredTensor* stored_labels,
              FindTensor(content, file, "labels", ElementType::kI64, {-1}));
  const auto labels = NumbersOf<std::int64_t>(*stored_labels);
  const auto count = static_cast<std::int64_t>(labels.size());
  EKYA_ASSIGN(const StoredTensor* stored_sizes,
              FindTensor(content, file, "sizes", ElementType::kI64, {count, 2}));
  EKYA_ASSIGN(const StoredTensor* stored_times,
              FindTensor(content, file, "times", ElementType::kI64, {count}));
  EKYA_ASSIGN(const StoredTensor* stored_seen,
              FindTensor(content, file, "seen", ElementType::kI64, {-1}));
  EKYA_ASSIGN(const StoredTensor* pixels,
              FindTensor(content, file, "pixels", ElementType::kU8, {-1}));
  const auto sizes = NumbersOf<std::int64_t>(*stored_sizes);
  const auto times = NumbersOf<std::int64_t>(*stored_times);
  const auto seen = NumbersOf<std::int64_t>(*stored_seen);
  if (seen.size() > static_cast<std::size_t>(kMostClasses)) {
    return refuse("seen",
                  fmt::format("found {} classes, expected at most {}", seen.size(), kMostClasses));
  }

  std::vector<ClassMemory> classes(seen.size());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= static_cast<std::int64_t>(seen.size())) {
      return refuse("labels", fmt::format("found {} for sample {}, expected 0 to {}", labels[i], i,
                                          static_cast<int>(seen.size()) - 1));
    }
    const auto width = sizes[2 * i];
    const auto height = sizes[2 * i + 1];
    const bool possible = width > 0 && height > 0 && width <= kMostSide && height <= kMostSide;
    const auto needed = possible ? static_cast<std::size_t>(3 * width * height) : 0;
    if (!possible || needed > pixels->bytes.size() - offset) {
      return refuse("sizes",
                    fmt::format("found {} x {} for sample {}, expected a picture within the "
                                "{} bytes of pixels left",
                                width, height, i, pixels->bytes.size() - offset));
    }
    auto& memory = classes[static_cast<std::size_t>(labels[i])];
    const auto* first = reinterpret_cast<const std::uint8_t*>(pixels->bytes.data()) + offset;
    offset += needed;
    // A smaller memory than the one saved keeps the first ones, which are as random as any.
    if (memory.kept.size() == static_cast<std::size_t>(per_class_)) continue;
    Sample sample;
    sample.image = {static_cast<int>(width), static_cast<int>(height), {first, first + needed}};
    sample.label = static_cast<int>(labels[i]);
    sample.time_seconds = static_cast<double>(times[i]) * 1e-6;
    memory.kept.push_back(std::move(sample));
  }
  if (offset != pixels->bytes.size()) {
    return refuse("pixels", fmt::format("found {} bytes, expected {}: what its samples take",
                                        pixels->bytes.size(), offset));
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] < static_cast<std::int64_t>(classes[i].kept.size())) {
      return refuse("seen", fmt::format("found {} for class {}, expected at least the {} kept",
                                        seen[i], i, classes[i].kept.size()));
    }
    classes[i].seen = seen[i];
  }
  classes_ = std::move(classes);
  return {};
}

}  // namespace ekya::datasets
