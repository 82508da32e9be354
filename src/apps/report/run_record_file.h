#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decide/window/record.h"

namespace ekya::report {

/// `run` as the text of `run.json` (`ekya-run/1`), so that runs of separate processes can be
/// reported together. A number that is not finite is written as null and read back as NaN. Of a
/// very long run (a million values in intervals, some hours of ten streams) neighbouring intervals
/// are written as one, so that ReadRunRecord's reader takes the file.
std::string WriteRunRecord(const window::RunRecord& run);

/// Strict: errors name `file`, line, key, what was found and what was expected.
Result<window::RunRecord> ReadRunRecord(std::string_view text, const std::string& file);

/// Writes `directory`/run.json, making the folders that are missing.
Status SaveRunRecord(const std::filesystem::path& directory, const window::RunRecord& run);

/// Reads every run below `directories`: a folder's own run.json, and those of its folders, at any
/// depth, in the order of their paths (numbers by value: seed-2 before seed-10). kNotFound, naming
/// the folder, where one has none.
Result<std::vector<window::RunRecord>> LoadRunRecords(
    const std::vector<std::filesystem::path>& directories);

}  // namespace ekya::report
