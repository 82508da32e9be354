#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// A bounded number of past samples per class, replayed in retraining against forgetting (paper,
/// section 5; iCaRL, Rebuffi 2017). Old and new samples stay in proportion to the windows they
/// stand for (reservoir sampling per class). Samples keep the size they come in. One thread.
class ExemplarMemory {
 public:
  ExemplarMemory(int per_class, std::uint64_t seed);

  /// Takes the samples of one more window in.
  void Add(const std::vector<Sample>& samples);
  /// What is kept, class by class.
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
  const int per_class_;
  Random random_;
  std::vector<ClassMemory> classes_;
};

}  // namespace ekya::datasets
