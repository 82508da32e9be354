#include "platform/resources/free_space.h"

#include <algorithm>
#include <utility>

namespace ekya::resources {

Result<DiskSpace> SpaceAt(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::path nearest = std::filesystem::absolute(folder, code);
  while (!std::filesystem::exists(nearest, code) && nearest.has_relative_path()) {
    nearest = nearest.parent_path();
  }
  const std::filesystem::space_info space = std::filesystem::space(nearest, code);
  if (code) {
    return Error{ErrorCode::kFailed,
                 folder.string() + ": its disk cannot be looked at: " + code.message()};
  }
  return DiskSpace{space.available, space.capacity};
}

WaterMarks MarksFor(std::uint64_t total_bytes) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const std::uint64_t low = std::clamp(total_bytes / 20, 16 * kMiB, 1024 * kMiB);
  return {low, low + low / 2};
}

Result<FreeSpace> FreeSpace::Of(const std::filesystem::path& folder) {
  EKYA_ASSIGN(const DiskSpace space, SpaceAt(folder));
  return FreeSpace([folder] { return SpaceAt(folder); }, MarksFor(space.total_bytes));
}

bool FreeSpace::Look() {
  const auto space = space_();
  if (!space.ok()) return low_;
  seen_ = *space;
  low_ = seen_.free_bytes < (low_ ? marks_.enough_bytes : marks_.low_bytes);
  return low_;
}

}  // namespace ekya::resources
