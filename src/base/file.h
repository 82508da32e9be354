#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ekya {

/// The whole content of a regular file. Errors name the path; files over `max_bytes` are refused.
Result<std::string> ReadFile(const std::filesystem::path& path,
                             std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// A regular file to be read piece by piece: for those too large to be kept. Errors name the path;
/// what goes wrong later sets the stream's badbit.
Result<std::unique_ptr<std::istream>> OpenFile(const std::filesystem::path& path);

/// Replaces `path` by `content` so that a reader, or a crash at any point, sees the old file or the
/// new one and never a part: writes aside, fsync, rename, fsync of the folder. Makes the folders
/// that are missing. On an error (a full disk) the old file is untouched and nothing is left
/// behind.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

/// The same for what may be lost with the power, as what one process hands to another: a reader, or
/// a kill, sees the old file or the new one, and nobody waits for the disk.
Status WriteFileForNow(const std::filesystem::path& path, std::string_view content);

/// Makes the names in `folder` as lasting as a power failure wants them: what was renamed into it
/// or removed from it is so after this. Does nothing where the file system has no such thing.
void SyncFolder(const std::filesystem::path& folder);

}  // namespace ekya
