#include "platform/datasets/exemplar_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/file.h"
#include "core/safetensors.h"
#include "platform/datasets/internal/packed.h"

namespace ekya::datasets {
namespace {

constexpr int kMostClasses = 4096;

/// That there is a picture for each of `count` samples.
Status CheckSizes(const TensorFile& content, const std::string& file, std::int64_t count) {
  const auto sizes = FindTensor(content, file, "sizes", ElementType::kI64, {count, 2});
  return sizes.ok() ? Status{} : Status{sizes.error()};
}

using Rows = std::vector<std::vector<float>>;

/// Rows of length 1: directions are compared, so that no one sample weighs more.
void Normalise(Rows* rows) {
  for (auto& row : *rows) {
    double square = 0;
    for (const float value : row) square += static_cast<double>(value) * static_cast<double>(value);
    const auto length = static_cast<float>(std::sqrt(square));
    if (!(length > 0)) continue;
    for (float& value : row) value /= length;
  }
}

/// The places of `count` of `rows`, in the order in which their mean comes nearest to `target`.
std::vector<std::size_t> NearestMean(const Rows& rows, const std::vector<double>& target,
                                     std::size_t count) {
  std::vector<std::size_t> chosen;
  std::vector<bool> taken(rows.size(), false);
  std::vector<double> sum(target.size(), 0);
  while (chosen.size() < std::min(count, rows.size())) {
    const auto size = static_cast<double>(chosen.size() + 1);
    std::size_t best = rows.size();
    double least = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (taken[i]) continue;
      double distance = 0;
      for (std::size_t k = 0; k < target.size(); ++k) {
        const double away = target[k] - (sum[k] + static_cast<double>(rows[i][k])) / size;
        distance += away * away;
      }
      if (best < rows.size() && distance >= least) continue;
      best = i;
      least = distance;
    }
    taken[best] = true;
    chosen.push_back(best);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += static_cast<double>(rows[best][k]);
  }
  return chosen;
}

}  // namespace

ExemplarMemory::ExemplarMemory(int per_class, std::uint64_t seed)
    : per_class_(per_class), random_(seed) {
  EKYA_CHECK(per_class >= 0);
}

ExemplarMemory::ClassMemory& ExemplarMemory::ClassOf(const Sample& sample) {
  EKYA_CHECK(sample.label >= 0 && sample.label < kMostClasses);
  const auto label = static_cast<std::size_t>(sample.label);
  if (classes_.size() <= label) classes_.resize(label + 1);
  return classes_[label];
}

void ExemplarMemory::Add(const std::vector<Sample>& samples) {
  for (const auto& sample : samples) {
    auto& memory = ClassOf(sample);
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

Status ExemplarMemory::Herd(const std::vector<Sample>& samples, const FeaturesOf& features) {
  std::vector<std::vector<Sample>> candidates;  // by class: the old ones first
  for (const auto& sample : samples) {
    const auto& memory = ClassOf(sample);
    candidates.resize(classes_.size());
    auto& own = candidates[static_cast<std::size_t>(sample.label)];
    if (own.empty()) own = memory.kept;
    own.push_back(sample);
  }
  auto classes = classes_;
  for (std::size_t label = 0; label < candidates.size(); ++label) {
    auto& own = candidates[label];
    if (own.empty()) continue;
    auto& memory = classes[label];
    EKYA_ASSIGN(Rows rows, features(own));
    EKYA_CHECK(rows.size() == own.size());
    Normalise(&rows);
    // Each of the old ones stands for as many as were seen.
    const std::size_t old = memory.kept.size();
    const double weight = old > 0 ? static_cast<double>(memory.seen) / static_cast<double>(old) : 0;
    memory.seen += static_cast<std::int64_t>(own.size() - old);
    std::vector<double> mean(rows.front().size(), 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EKYA_CHECK(rows[i].size() == mean.size());
      for (std::size_t k = 0; k < mean.size(); ++k) {
        mean[k] += (i < old ? weight : 1) * static_cast<double>(rows[i][k]) /
                   static_cast<double>(memory.seen);
      }
    }
    memory.kept.clear();
    for (const auto place : NearestMean(rows, mean, static_cast<std::size_t>(per_class_))) {
      memory.kept.push_back(std::move(own[place]));
    }
  }
  classes_ = std::move(classes);
  return {};
}

std::vector<Sample> ExemplarMemory::Samples() const {
  std::vector<Sample> samples;
  for (const auto& memory : classes_) {
    samples.insert(samples.end(), memory.kept.begin(), memory.kept.end());
  }
  return samples;
}

Status ExemplarMemory::Save(const std::filesystem::path& path) const {
  std::vector<const Image*> pictures;
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> seen;
  for (const auto& memory : classes_) {
    seen.push_back(memory.seen);
    for (const Sample& sample : memory.kept) {
      pictures.push_back(&sample.image);
      labels.push_back(sample.label);
      times.push_back(std::llround(1e6 * sample.time_seconds));
    }
  }
  TensorFile content;
  content.metadata["ekya.content"] = "exemplars";
  PackPictures(pictures, &content);
  PackNumbers("labels", labels, &content);
  PackNumbers("times", times, &content);
  PackNumbers("seen", seen, &content);
  return WriteFileAtomically(path, FormatSafetensors(content));
}

Status ExemplarMemory::Load(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto refuse = [&](const std::string& tensor, const std::string& text) {
    return Error{ErrorCode::kInvalid, fmt::format("{}: tensor '{}': {}", file, tensor, text)};
  };
  EKYA_ASSIGN(const TensorFile content, ReadTensors(path));
  EKYA_ASSIGN(const auto labels, UnpackNumbers<std::int64_t>(content, file, "labels", -1));
  const auto count = static_cast<std::int64_t>(labels.size());
  EKYA_RETURN_IF_ERROR(CheckSizes(content, file, count));
  EKYA_ASSIGN(const auto times, UnpackNumbers<std::int64_t>(content, file, "times", count));
  EKYA_ASSIGN(const auto seen, UnpackNumbers<std::int64_t>(content, file, "seen", -1));
  EKYA_ASSIGN(auto pictures, UnpackPictures(content, file));
  if (seen.size() > static_cast<std::size_t>(kMostClasses)) {
    return refuse("seen",
                  fmt::format("found {} classes, expected at most {}", seen.size(), kMostClasses));
  }

  std::vector<ClassMemory> classes(seen.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= static_cast<std::int64_t>(seen.size())) {
      return refuse("labels", fmt::format("found {} for sample {}, expected 0 to {}", labels[i], i,
                                          static_cast<int>(seen.size()) - 1));
    }
    auto& memory = classes[static_cast<std::size_t>(labels[i])];
    // A smaller memory than the one saved keeps the first ones: as random as any, or those that
    // tell most.
    if (memory.kept.size() == static_cast<std::size_t>(per_class_)) continue;
    Sample sample;
    sample.image = std::move(pictures[i]);
    sample.label = static_cast<int>(labels[i]);
    sample.time_seconds = static_cast<double>(times[i]) * 1e-6;
    memory.kept.push_back(std::move(sample));
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
