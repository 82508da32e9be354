#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/result.h"

namespace ekya::resources {

/// What is free on the disk of a folder.
struct DiskSpace {
  std::uint64_t free_bytes = 0;  ///< For this user.
  std::uint64_t total_bytes = 0;
};

/// The disk on which `folder`, or the nearest folder above it that exists, lies.
Result<DiskSpace> SpaceAt(const std::filesystem::path& folder);

/// Bytes free below which a disk counts as low, and from which on it does not any more.
struct WaterMarks {
  std::uint64_t low_bytes = 0;
  std::uint64_t enough_bytes = 0;  ///< More than low_bytes, so that the two do not alternate.
};

/// A twentieth of the disk, between 16 MiB and 1 GiB, is low; one and a half times that is enough:
/// what a retraining writes at once has to fit between low and full.
WaterMarks MarksFor(std::uint64_t total_bytes);

/// Whether there is room to sample and to retrain. One that is low stops both and never inference,
/// which writes nothing that it needs. One thread.
class FreeSpace {
 public:
  /// `space` is asked at every Look; SpaceAt of the data folder, or a test's.
  FreeSpace(std::function<Result<DiskSpace>()> space, const WaterMarks& marks)
      : space_(std::move(space)), marks_(marks) {}
  /// Of `folder`'s disk, with MarksFor its size.
  static Result<FreeSpace> Of(const std::filesystem::path& folder);

  /// Looks at the disk: whether it is low now. One that cannot be looked at stays as it was.
  bool Look();
  bool low() const { return low_; }
  /// As Look saw it last.
  const DiskSpace& space() const { return seen_; }
  const WaterMarks& marks() const { return marks_; }

 private:
  std::function<Result<DiskSpace>()> space_;
  WaterMarks marks_;
  DiskSpace seen_;
  bool low_ = false;
};

}  // namespace ekya::resources
