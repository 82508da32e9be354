#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/frame.h"

namespace ekya::datasets {

/// ExemplarMemory's like for whole pictures: at most so many per class, where a picture counts for
/// the rarest class that it shows, so that what is seldom seen is not pushed out by what always is.
/// Pictures that show nothing are not kept. Of a class, every picture ever taken in has the same
/// chance to be kept. Pictures keep the size they come in. One thread.
class PictureMemory {
 public:
  PictureMemory(int per_class, std::uint64_t seed);

  /// Takes the pictures of one more window in.
  void Add(const std::vector<LabelledPicture>& pictures);
  /// What is kept, class by class.
  std::vector<LabelledPicture> Samples() const;

  /// One file, written atomically, as ExemplarMemory's.
  Status Save(const std::filesystem::path& path) const;
  /// Replaces what is kept; on an error nothing changes.
  Status Load(const std::filesystem::path& path);

 private:
  struct ClassMemory {
    std::vector<LabelledPicture> kept;
    std::int64_t taken_in = 0;  // pictures that counted for the class
    std::int64_t objects = 0;   // of the class, in all pictures
  };
  const int per_class_;
  Random random_;
  std::vector<ClassMemory> classes_;
};

}  // namespace ekya::datasets
