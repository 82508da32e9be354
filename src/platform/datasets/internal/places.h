#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ekya::datasets {

/// `folder / name` for a name that a data set's file says: a relative path that stays below the
/// folder. kInvalid: `found "../x", expected a path below its folder`.
Result<std::filesystem::path> Below(const std::filesystem::path& folder, std::string_view name);

/// The first of `folders` in which the file `name` (see Below) is. kNotFound names them all.
Result<std::filesystem::path> FolderOf(const std::vector<std::filesystem::path>& folders,
                                       std::string_view name);

/// Whether numbers in the names count as numbers: "frame9" before "frame10".
bool NaturalLess(std::string_view a, std::string_view b);

/// The files (or else the folders) of `folder` in natural order. An error where there is no such
/// folder.
Result<std::vector<std::filesystem::path>> FilesIn(const std::filesystem::path& folder);
Result<std::vector<std::filesystem::path>> FoldersIn(const std::filesystem::path& folder);

/// Whether the file's name says that it is a JPEG or PNG picture.
bool IsPicture(const std::filesystem::path& file);

/// Whether the file's name says that it is a video.
bool IsVideo(const std::filesystem::path& file);

/// Whether `name` fits `pattern`, in which '*' stands for any characters and '?' for one.
bool Fits(std::string_view pattern, std::string_view name);

}  // namespace ekya::datasets
