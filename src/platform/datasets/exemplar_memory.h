#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// A bounded number of past samples per class, replayed in retraining against forgetting (paper,
/// section 5; iCaRL, Rebuffi 2017). Old and new samples stay in proportion to the windows they
/// stand for. Samples keep the size they come in. One thread.
class ExemplarMemory {
 public:
  ExemplarMemory(int per_class, std::uint64_t seed);

  /// One vector of numbers for each of `samples`, all equally long: what a model makes of them.
  using FeaturesOf =
      std::function<Result<std::vector<std::vector<float>>>(const std::vector<Sample>& samples)>;

  /// Takes the samples of one more window in: of each class, every sample ever taken in has the
  /// same chance to be kept (reservoir sampling).
  void Add(const std::vector<Sample>& samples);
  /// The same by herding (Welling 2009, as iCaRL has it): one after the other, those are kept whose
  /// mean feature comes nearest to that of all samples ever taken in, for which the ones kept so
  /// far stand. So a few show what a class looks like to the model. On an error of `features`,
  /// which is given the old and the new of the classes in `samples`, nothing changes.
  Status Herd(const std::vector<Sample>& samples, const FeaturesOf& features);
  /// What is kept, class by class; after Herd, of each class the ones that tell most first.
  std::vector<Sample> Samples() const;

  /// One file, written atomically: safetensors of `labels` [N], `times` [N] (microseconds), `sizes`
  /// [N, 2] (width, height), `pixels` (all pictures, one after the other) and `seen` [classes]
  /// (samples ever taken in).
  Status Save(const std::filesystem::path& path) const;
  /// Replaces what is kept; on an error nothing changes. kInvalid names file, tensor, found,
  /// expected.
  Status Load(const std::filesystem::path& path);

 private:
  struct ClassMemory {
    std::vector<Sample> kept;
    std::int64_t seen = 0;
  };
  ClassMemory& ClassOf(const Sample& sample);

  const int per_class_;
  Random random_;
  std::vector<ClassMemory> classes_;
};

}  // namespace ekya::datasets
